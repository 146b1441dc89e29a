export * from "./client.ts";
export type { Clock, Wakes } from "./clock.ts";
export type { Credential, Secret } from "./credentials.ts";
export { ObzvonProblem, ObzvonUnreachable } from "./errors.ts";
export type { ReportFile } from "./files.ts";
export { keepLive, type LiveEvent, type LiveOptions, type Mode, type Tab } from "./live.ts";
export type { Asking, ObzvonOptions, Streaming } from "./options.ts";
export type {
  ContactFileQuery,
  ContactQuery,
  FileFormat,
  FilterQuery,
  HoursQuery,
  ReportFileQuery,
  ReportQuery,
} from "./queries.ts";
export type {
  Active,
  AddressRef,
  CallerKind,
  CallerRestriction,
  ContactPage,
  ContactRow,
  ContactStatus,
  Days,
  DayTotals,
  Features,
  FieldProblem,
  Figures,
  Filters,
  Freshness,
  HourFigures,
  Hours,
  Kind,
  Liveness,
  Me,
  OperatorFigures,
  OrderRef,
  Origin,
  Overdue,
  Pickers,
  Readiness,
  Ref,
  Report,
  WallboardSession,
} from "./schema.ts";
export { type Pace, type StreamEvent, withFreshness } from "./stream.ts";
export { browserTab } from "./tab.ts";
