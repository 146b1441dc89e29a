import { EventSourceParserStream } from "eventsource-parser/stream";
import { ObzvonProblem, ObzvonUnreachable } from "./errors.ts";
import type { Freshness, Report, StreamEvents } from "./schema.ts";

export type StreamEvent =
  /** The figures have changed, or these are the first ones. */
  | { readonly type: "report"; readonly report: Report }
  /** The figures are as they were; this is how fresh they are now: see `withFreshness`. */
  | { readonly type: "freshness"; readonly freshness: Freshness }
  /** Connected; what there is to show follows. */
  | { readonly type: "open" }
  /** The connection is gone, or there was none; the next try is in `pauseMs`. */
  | { readonly type: "waiting"; readonly error: Error; readonly pauseMs: number };

export interface Pace {
  /** The first pause before coming back; a stream may name another one. */
  readonly retryMs: number;
  /** Pauses double up to this one. */
  readonly maxPauseMs: number;
  /** A stream that is silent for so long is dead: freshness comes every five seconds. */
  readonly silenceMs: number;
}

export const PACE: Pace = { retryMs: 2_000, maxPauseMs: 30_000, silenceMs: 20_000 };

/** Opens the stream anew; `lastEventId` is of the last report that was received. */
export type Open = (
  lastEventId: string | undefined,
  signal: AbortSignal,
) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

/** The events of a stream that is opened again whenever it ends, until `signal` says stop. */
export async function* follow(
  open: Open,
  { signal, pace, renews }: { signal?: AbortSignal | undefined; pace: Pace; renews: boolean },
): AsyncGenerator<StreamEvent, void, undefined> {
  let lastEventId: string | undefined;
  let retryMs = pace.retryMs;
  let failures = 0;
  let refusals = 0;
  while (!signal?.aborted) {
    const connection = new AbortController();
    let error: unknown = new ObzvonUnreachable("The stream has ended");
    try {
      const either = signal ? AbortSignal.any([signal, connection.signal]) : connection.signal;
      const body = await open(lastEventId, either);
      yield { type: "open" };
      const messages = body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ onRetry: (given) => (retryMs = given) }))
        .getReader();
      for (;;) {
        const timer = setTimeout(() => {
          connection.abort(new ObzvonUnreachable(`Nothing came for ${pace.silenceMs / 1000} s`));
        }, pace.silenceMs);
        const { done, value } = await messages.read().finally(() => clearTimeout(timer));
        if (done) break;
        const event = typed(value.event, value.data);
        if (!event) continue;
        failures = refusals = 0;
        if (value.id !== undefined) lastEventId = value.id;
        yield event;
      }
    } catch (caught) {
      if (signal?.aborted) return;
      if (caught instanceof ObzvonProblem && !caught.isPassing) {
        // A token may have ended on its way; a new one is asked for before the next try.
        refusals += 1;
        if (caught.status !== 401 || !renews || refusals > 1) throw caught;
      }
      error = caught;
    } finally {
      connection.abort();
    }
    const pauseMs = pause(error, failures, retryMs, pace);
    failures += 1;
    yield { type: "waiting", error: asError(error), pauseMs };
    await sleep(pauseMs, signal);
  }
}

/** A report with figures that still hold, as fresh as is known now. */
export function withFreshness(report: Report, freshness: Freshness): Report {
  return { ...report, ...freshness };
}

function typed(name: string | undefined, data: string): StreamEvent | undefined {
  switch (name as keyof StreamEvents | undefined) {
    case "report":
      return { type: "report", report: JSON.parse(data) as StreamEvents["report"] };
    case "freshness":
      return { type: "freshness", freshness: JSON.parse(data) as StreamEvents["freshness"] };
    default:
      return undefined; // an event that came with a later version of the API
  }
}

/** Grows, and is never the same for two clients: they all lost the API at the same moment. */
function pause(error: unknown, failures: number, retryMs: number, pace: Pace): number {
  const grown = Math.min(pace.maxPauseMs, retryMs * 2 ** failures);
  const asked = error instanceof ObzvonProblem ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(grown * (0.5 + Math.random() / 2), asked * (1 + Math.random() / 4));
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const over = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, milliseconds);
    signal?.addEventListener("abort", over);
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new ObzvonUnreachable(String(error), { cause: error });
}
