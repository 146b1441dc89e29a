import type { operations } from "./schema.ts";

type Parameters<Name extends keyof operations> = NonNullable<
  operations[Name]["parameters"]["query"]
>;

/** What is left out or undefined does not choose; an empty id chooses what has none. */
type Query<Chosen> = { readonly [Name in keyof Chosen]?: Chosen[Name] | undefined };

export type ReportQuery = Query<Parameters<"report">>;
export type HoursQuery = Query<Parameters<"hours">>;
export type ContactQuery = Query<Omit<Parameters<"contacts">, "cursor">>;
export type ReportFileQuery = Query<Parameters<"report_csv">>;
export type ContactFileQuery = Query<Parameters<"contacts_csv">>;
export type FilterQuery = Query<Parameters<"filters">>;
export type FileFormat = "csv" | "xlsx";

/** What was chosen, without what is undefined. */
export function given<Chosen extends object>(query: Chosen): Given<Chosen> {
  const parameters = Object.entries(query).filter(([, value]) => value !== undefined);
  return Object.fromEntries(parameters) as Given<Chosen>;
}

type Given<Chosen> = { [Name in keyof Chosen]?: Exclude<Chosen[Name], undefined> };
