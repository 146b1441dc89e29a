import { EventSourceParserStream } from "eventsource-parser/stream";
import { type Clock, SYSTEM_CLOCK, sleep, type Wakes } from "./clock.ts";
import { ObzvonProblem, ObzvonUnreachable } from "./errors.ts";
import type { Freshness, Report, StreamEvents } from "./schema.ts";
import { linked } from "./signals.ts";

export type StreamEvent =
  /** The figures have changed, or these are the first ones. */
  | { readonly type: "report"; readonly report: Report }
  /** The figures are as they were; this is how fresh they are now: see `withFreshness`. */
  | { readonly type: "freshness"; readonly freshness: Freshness }
  /** Connected; what there is to show follows. */
  | { readonly type: "open" }
  /**
   * The connection is gone, or there was none; the next try is in `pauseMs`. `silent`: the stream
   * seemed to open, or to be opening, and brought no event: something on the way may hold it back.
   */
  | {
      readonly type: "waiting";
      readonly error: Error;
      readonly pauseMs: number;
      readonly silent: boolean;
    };

export interface Pace {
  /** The first pause before coming back; a stream may name another one. */
  readonly retryMs: number;
  /** Pauses double up to this one. */
  readonly maxPauseMs: number;
  /** A stream must have brought its first event so long after it was asked for. */
  readonly firstEventMs: number;
  /** A stream that is silent for so long is dead: freshness comes every five seconds. */
  readonly silenceMs: number;
}

export const PACE: Pace = {
  retryMs: 2_000,
  maxPauseMs: 30_000,
  firstEventMs: 10_000,
  silenceMs: 20_000,
};

/** Opens the stream anew; `lastEventId` is of the last report that was received. */
export type Open = (
  lastEventId: string | undefined,
  signal: AbortSignal,
) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

export interface Following {
  readonly pace: Pace;
  /** Whether a new token may be had after a 401. */
  readonly renews: boolean;
  readonly signal?: AbortSignal | undefined;
  /** A wake ends the connection, or the pause before the next one. */
  readonly wakes?: Wakes | undefined;
  readonly clock?: Clock | undefined;
}

/** The events of a stream that is opened again whenever it ends, until `signal` says stop. */
export async function* follow(
  open: Open,
  { signal, pace, renews, wakes, clock = SYSTEM_CLOCK }: Following,
): AsyncGenerator<StreamEvent, void, undefined> {
  let lastEventId: string | undefined;
  let retryMs = pace.retryMs;
  let failures = 0;
  let refusals = 0;
  while (!signal?.aborted) {
    const connection = linked(signal);
    let error: unknown = new ObzvonUnreachable("The stream has ended");
    let isOpen = false;
    let heard = 0;
    let isWoken = false;
    const silentFor = (ms: number) => () =>
      connection.giveUp(new ObzvonUnreachable(`Nothing came for ${ms / 1000} s`));
    let stopTimer = clock.after(pace.firstEventMs, silentFor(pace.firstEventMs));
    const stopWaking = wakes?.(() => {
      isWoken = true;
      connection.giveUp(new ObzvonUnreachable("The connection may have been lost in a sleep"));
    });
    try {
      const body = await open(lastEventId, connection.signal);
      isOpen = true;
      yield { type: "open" };
      const messages = body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ onRetry: (given) => (retryMs = given) }))
        .getReader();
      for (;;) {
        const { done, value } = await messages.read();
        if (done) break;
        const event = typed(value.event, value.data);
        if (!event) continue;
        failures = refusals = 0;
        heard += 1;
        stopTimer();
        stopTimer = clock.after(pace.silenceMs, silentFor(pace.silenceMs));
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
      error = connection.reason ?? caught;
    } finally {
      stopTimer();
      stopWaking?.();
      connection.giveUp(new ObzvonUnreachable("The stream is closed"));
      connection.release();
    }
    if (isWoken) failures = 0;
    const pauseMs = isWoken ? 0 : pause(error, failures, retryMs, pace);
    failures += 1;
    const timedOut = connection.reason === error && !isWoken;
    const silent = heard === 0 && (isOpen || timedOut);
    yield { type: "waiting", error: asError(error), pauseMs, silent };
    if (pauseMs > 0) await sleep(clock, pauseMs, { signal, wakes });
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

function asError(error: unknown): Error {
  return error instanceof Error ? error : new ObzvonUnreachable(String(error), { cause: error });
}
