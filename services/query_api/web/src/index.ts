export * from "./client.ts";
export * from "./errors.ts";
export type {
  Active,
  AddressRef,
  ContactPage,
  ContactRow,
  ContactStatus,
  FieldProblem,
  Figures,
  Filters,
  Freshness,
  Kind,
  Liveness,
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
