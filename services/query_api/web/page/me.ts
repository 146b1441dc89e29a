/** Who is asking, as the API says. */

import { ObzvonProblem } from "../src/index.ts";
import type { Words } from "./words/ru.ts";

export interface Me {
  readonly name: string;
  readonly roles: readonly string[];
  readonly restriction: object | null;
}

export async function fetchMe(signal: AbortSignal): Promise<Me | null> {
  const response = await fetch("/api/v1/me", { signal, cache: "no-store" });
  if (response.status === 404) return null; // an API of the version before does not say
  const body: unknown = await response.json();
  if (!response.ok) throw new ObzvonProblem(response, body);
  return body as Me;
}

/** «orlova · Руководитель · видна часть операторов». */
export function describe(me: Me, words: Words): string {
  const names: Record<string, string> = words.roles;
  const roles = me.roles.map((role) => names[role] ?? role);
  return [me.name, ...roles, ...(me.restriction ? [words.restricted] : [])].join(" · ");
}
