import type { Report } from "../src/index.ts";
import type { Formats } from "./format.ts";
import styles from "./page.module.css";
import type { Words } from "./words/ru.ts";

type Figures = Report["totals"];

interface Props {
  totals: Figures;
  isOld: boolean;
  words: Words;
  formats: Formats;
}

/** The totals of the report: the headline, and what it is made of. */
export function Totals({ totals, isOld, words, formats }: Props) {
  const names = words.figures;
  const count = (value: number) => formats.count(value);
  return (
    <div class={styles.totals} data-old={isOld} data-testid="totals">
      <dl class={styles.headline}>
        <Figure name="planned" label={names.planned} value={count(totals.planned)} />
        <Figure
          name="orders"
          label={names.orders}
          value={count(totals.orders)}
          parts={[[names.ordered, count(totals.ordered)]]}
        />
        <Figure
          name="order_percent"
          label={names.order_percent}
          value={formats.percent(totals.order_percent)}
        />
        <Figure
          name="active"
          label={names.active}
          value={count(totals.active.total)}
          parts={[
            [names.ofPlan, count(totals.active.planned)],
            [names.ofPostponed, count(totals.active.postponed)],
            [names.ofDropped, count(totals.active.dropped)],
          ]}
        />
        <Figure
          name="overdue"
          label={names.overdue}
          value={count(totals.overdue.total)}
          isBad={totals.overdue.total > 0}
          parts={[
            [names.ofPlan, count(totals.overdue.planned)],
            [names.ofPostponed, count(totals.overdue.postponed)],
            [names.ofDropped, count(totals.overdue.dropped)],
            [names.carried, count(totals.overdue.carried)],
          ]}
        />
      </dl>
      <dl class={styles.rest}>
        <Figure name="calls" label={names.calls} value={count(totals.calls)} />
        <Figure name="refusals" label={names.refusals} value={count(totals.refusals)} />
        <Figure name="postponed" label={names.postponed} value={count(totals.postponed)} />
        <Figure name="no_contact" label={names.no_contact} value={count(totals.no_contact)} />
        <Figure name="refused" label={names.refused} value={count(totals.refused)} />
        <Figure name="dropped" label={names.dropped} value={count(totals.dropped)} />
        <Figure name="delivered" label={names.delivered} value={count(totals.delivered)} />
        <Figure
          name="processed_percent"
          label={names.processed_percent}
          value={formats.percent(totals.processed_percent)}
        />
      </dl>
    </div>
  );
}

interface FigureProps {
  /** The figure's name in the API. */
  name: string;
  label: string;
  value: string;
  parts?: readonly (readonly [label: string, value: string])[];
  isBad?: boolean;
}

function Figure({ name, label, value, parts, isBad = false }: FigureProps) {
  return (
    <div class={styles.figure} data-figure={name} data-bad={isBad}>
      <dt>{label}</dt>
      <dd class={styles.value}>
        {isBad && (
          <span class={styles.mark} aria-hidden="true">
            ■{" "}
          </span>
        )}
        <span data-testid={name}>{value}</span>
      </dd>
      {parts && (
        <dd class={styles.parts}>
          {parts.map(([part, figure]) => (
            <span key={part}>
              {part} <b>{figure}</b>
            </span>
          ))}
        </dd>
      )}
    </div>
  );
}
