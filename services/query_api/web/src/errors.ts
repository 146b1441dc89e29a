import type { FieldProblem } from "./schema.ts";

/** The API said no, or something on the way to it did. */
export class ObzvonProblem extends Error {
  override readonly name = "ObzvonProblem";
  readonly status: number;
  readonly title: string;
  /** What was wrong and what to do, for a person. */
  readonly detail: string;
  /** The parameters that were wrong; empty unless `status` is 422. */
  readonly fields: readonly FieldProblem[];
  /** Milliseconds to wait before the next try, where the API names a time. */
  readonly retryAfterMs: number | null;
  /** Finds the request in the API's log. */
  readonly requestId: string | null;

  constructor(response: Response, body: unknown) {
    const problem = isRecord(body) ? body : {};
    const title = text(problem.title) ?? (response.statusText || `HTTP ${response.status}`);
    const detail = text(problem.detail) ?? title;
    super(`${response.status} ${title}: ${detail}`);
    this.status = response.status;
    this.title = title;
    this.detail = detail;
    const fields = problem.errors;
    this.fields = Array.isArray(fields) ? (fields as FieldProblem[]) : [];
    this.retryAfterMs = retryAfterMs(response.headers.get("Retry-After"));
    this.requestId = response.headers.get("X-Request-Id");
  }

  /** Whether the same request may succeed later. */
  get isPassing(): boolean {
    return this.status >= 500 || [408, 425, 429].includes(this.status);
  }
}

/** No answer came, or none that can be read; `cause` says more. */
export class ObzvonUnreachable extends Error {
  override readonly name = "ObzvonUnreachable";
}

function retryAfterMs(header: string | null): number | null {
  if (!header) return null;
  const seconds = Number(header);
  const milliseconds = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(milliseconds) ? null : Math.max(0, milliseconds);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

export function tooLate(timeoutMs: number, cause?: unknown): ObzvonUnreachable {
  return new ObzvonUnreachable(`No answer within ${timeoutMs / 1000} s`, { cause });
}
