/** Who is asking, as the API says. */

import type { Me } from "../src/index.ts";
import type { Words } from "./words/ru.ts";

/** What of somebody is said on the page. */
export type Named = Pick<Me, "name" | "roles" | "restriction">;

/** «orlova · Руководитель · видна часть операторов». */
export function describe(me: Named, words: Words): string {
  const names: Record<string, string> = words.roles;
  const roles = me.roles.map((role) => names[role] ?? role);
  return [me.name, ...roles, ...(me.restriction ? [words.restricted] : [])].join(" · ");
}
