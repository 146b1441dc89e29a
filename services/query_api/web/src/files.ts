import type { FileFormat } from "./queries.ts";

export interface ReportFile {
  readonly name: string;
  readonly content: Blob;
}

/** The file of an answer, named as its headers say. */
export function fileOf(
  { data, response }: { readonly data?: Blob; readonly response: Response },
  format: FileFormat,
): ReportFile {
  const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
  return { name: named?.[1] ?? `obzvon.${format}`, content: data ?? new Blob() };
}
