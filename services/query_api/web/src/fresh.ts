import type { Report } from "./schema.ts";

/** How current figures are, in every answer that has any. */
export type Fresh = Pick<Report, "as_of" | "lag_events" | "stale" | "stale_reason">;

/** Figures that still hold, as fresh as the headers of a 304 say. */
export function renewed<Data extends Fresh>(figures: Data, headers: Headers): Data {
  const lag = headers.get("Obzvon-Lag-Events");
  const stale = !lag; // the lag is left empty while the figures are stale, and only then
  return {
    ...figures,
    as_of: headers.get("Obzvon-As-Of") || null,
    lag_events: stale ? null : Number(lag),
    stale,
    stale_reason: stale ? figures.stale_reason : null,
  };
}
