/** A fetch that gives prepared answers and keeps what it was asked. */

import type { Freshness, Report } from "../src/index.ts";

const STANDING = { planned: 0, postponed: 0, dropped: 0, total: 0 };

export const FRESH: Freshness = {
  computed_at: "2026-11-24T12:00:00+03:00",
  as_of: "2026-11-24T11:59:59.870+03:00",
  lag_events: 3,
  stale: false,
  stale_reason: null,
  build: null,
};

export function report(planned = 1): Report {
  const totals = {
    planned,
    calls: 0,
    refusals: 0,
    ordered: 0,
    orders: 0,
    delivered: 0,
    postponed: 0,
    no_contact: 0,
    refused: 0,
    dropped: 0,
    drop_closed: 0,
    active: STANDING,
    overdue: { ...STANDING, carried: 0 },
    order_percent: null,
    processed_percent: null,
  };
  return {
    date: "2026-11-24",
    date_from: "2026-11-24",
    date_to: "2026-11-24",
    timezone: "Europe/Moscow",
    complete_since: null,
    filters: { operator_id: null, manager_id: null, plan_date: null },
    operators: [],
    totals,
    ...FRESH,
  };
}

export class Answers {
  readonly asked: Request[] = [];
  readonly #answers: (Response | Error | ((request: Request) => Promise<Response>))[];

  constructor(...answers: (Response | Error | ((request: Request) => Promise<Response>))[]) {
    this.#answers = answers;
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    this.asked.push(request);
    const answer = this.#answers.shift();
    if (!answer) throw new Error(`nothing is prepared for ${request.url}`);
    if (answer instanceof Error) throw answer;
    return answer instanceof Response ? answer : await answer(request);
  };
}

export function json(body: unknown, headers: Record<string, string> = {}, status = 200): Response {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": type, ...headers },
  });
}

/** An answer that comes only when the request is given up. */
export function never(request: Request): Promise<Response> {
  return new Promise((_, reject) => {
    const end = () => reject(request.signal.reason);
    if (request.signal.aborted) end();
    else request.signal.addEventListener("abort", end);
  });
}
