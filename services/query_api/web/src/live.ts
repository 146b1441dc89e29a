/**
 * A report kept up to date by whatever works: a stream, polls where something on the way holds
 * streams back, and rare polls while nobody looks.
 */

import type { Obzvon } from "./client.ts";
import { type Clock, SYSTEM_CLOCK, sleep, type Wakes } from "./clock.ts";
import { ObzvonProblem } from "./errors.ts";
import type { ReportQuery } from "./queries.ts";
import type { Report } from "./schema.ts";
import { type StreamEvent, withFreshness } from "./stream.ts";

/** How the report comes: by the stream, by polls, or by rare polls while the page is hidden. */
export type Mode = "stream" | "poll" | "rest";

export type LiveEvent =
  /** The report, or the same figures with newer freshness. */
  | { readonly type: "report"; readonly report: Report }
  /** The way by which reports come is another one from now on. */
  | { readonly type: "mode"; readonly mode: Mode }
  /** Nothing comes at the moment; it is tried again by itself. */
  | { readonly type: "waiting"; readonly error: Error };

export interface LivePace {
  /** Streams in a row without an event, after which it polls. */
  readonly silentStreams: number;
  readonly pollMs: number;
  /** While it polls, a stream is tried so often. */
  readonly retryStreamMs: number;
  /** A page that is hidden for so long gives its stream up. */
  readonly hiddenMs: number;
  readonly restMs: number;
  /** A timer that comes so late tells of a sleep. */
  readonly lateMs: number;
  /** A stream that has brought an event within so long is kept when the page is shown again. */
  readonly aliveMs: number;
}

export const LIVE_PACE: LivePace = {
  silentStreams: 2,
  pollMs: 5_000,
  retryStreamMs: 300_000,
  hiddenMs: 60_000,
  restMs: 60_000,
  lateMs: 10_000,
  aliveMs: 6_000,
};

export interface LiveState {
  readonly mode: Mode;
  /** Streams in a row that brought no event. */
  readonly silent: number;
  /** Whether a stream is tried while it polls. */
  readonly isTrying: boolean;
  /** When the next stream is tried; null unless it polls. */
  readonly tryAt: number | null;
  /** Since when the page is hidden; null while it is seen. */
  readonly hiddenSince: number | null;
}

export type Happening =
  /** An event came over the stream. */
  | "heard"
  /** A stream brought no event, or there are too many of them. */
  | "silent"
  | "crowded"
  | "hidden"
  | "shown"
  /** The machine slept, or the network came back. */
  | "woken"
  | "tick";

export const BEGINNING: LiveState = {
  mode: "stream",
  silent: 0,
  isTrying: false,
  tryAt: null,
  hiddenSince: null,
};

export function next(
  state: LiveState,
  happening: Happening,
  now: number,
  pace: LivePace = LIVE_PACE,
): LiveState {
  switch (happening) {
    case "heard":
      return { ...state, mode: "stream", silent: 0, isTrying: false, tryAt: null };
    case "silent":
    case "crowded": {
      if (!wantsStream(state)) return state; // it was given up meanwhile
      const silent = happening === "crowded" ? pace.silentStreams : state.silent + 1;
      if (silent < pace.silentStreams) return { ...state, silent };
      return { ...state, mode: "poll", silent, isTrying: false, tryAt: now + pace.retryStreamMs };
    }
    case "hidden":
      return { ...state, hiddenSince: state.hiddenSince ?? now };
    case "shown":
      return reopened({ ...state, hiddenSince: null });
    case "woken":
      return state.mode === "rest" ? state : reopened(state);
    case "tick":
      if (state.hiddenSince !== null && now - state.hiddenSince >= pace.hiddenMs) {
        return { ...state, mode: "rest", isTrying: false, tryAt: null };
      }
      return state.tryAt !== null && now >= state.tryAt ? reopened(state) : state;
  }
}

/** What a page that is looked at again does at once: it tries a stream, and polls until it speaks. */
function reopened(state: LiveState): LiveState {
  if (state.mode === "stream") return state;
  return { ...state, mode: state.silent ? "poll" : "stream", isTrying: true, tryAt: null };
}

export function wantsStream({ mode, isTrying }: LiveState): boolean {
  return mode === "stream" || (mode === "poll" && isTrying);
}

/** Milliseconds between polls; null while the stream is enough. */
export function pollMs({ mode }: LiveState, pace: LivePace = LIVE_PACE): number | null {
  if (mode === "stream") return null;
  return mode === "poll" ? pace.pollMs : pace.restMs;
}

/** The page's tab: whether it is seen, and what happens to it. */
export interface Tab {
  isHidden(): boolean;
  /** Calls when it is hidden or shown, and ends when called back. */
  onVisibility: Wakes;
  /** Calls when the page comes back from the browser's cache, or the network is there again. */
  onWake: Wakes;
  /** Unix milliseconds. Unlike `Clock.now` this also moves on while the machine sleeps. */
  wallNow(): number;
}

export interface LiveOptions {
  readonly tab: Tab;
  readonly tell: (event: LiveEvent) => void;
  readonly signal: AbortSignal;
  readonly pace?: LivePace | undefined;
  readonly clock?: Clock | undefined;
}

type LiveApi = Pick<Obzvon, "report" | "stream">;

/**
 * Tells of the report of `query` until `signal` says stop.
 *
 * Throws the `ObzvonProblem` of a refusal that will not pass, like a session that has ended.
 */
export async function keepLive(
  api: LiveApi,
  query: ReportQuery,
  options: LiveOptions,
): Promise<void> {
  const live = new Live(api, query, options);
  await live.run();
}

const TICK_MS = 1_000;

class Live {
  readonly #api: LiveApi;
  readonly #query: ReportQuery;
  readonly #tab: Tab;
  readonly #tell: (event: LiveEvent) => void;
  readonly #pace: LivePace;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #wakes = new Set<() => void>();
  #state = BEGINNING;
  #stream: AbortController | undefined;
  #poll: AbortController | undefined;
  #report: Report | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  #refusal: unknown;

  constructor(api: LiveApi, query: ReportQuery, options: LiveOptions) {
    this.#api = api;
    this.#query = query;
    this.#tab = options.tab;
    this.#tell = options.tell;
    this.#pace = options.pace ?? LIVE_PACE;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    const stop = () => this.#stop.abort();
    if (options.signal.aborted) stop();
    else options.signal.addEventListener("abort", stop);
  }

  async run(): Promise<void> {
    const stopVisibility = this.#tab.onVisibility(() => this.#seen());
    const stopWaking = this.#tab.onWake(() => this.#woken());
    try {
      if (this.#tab.isHidden()) this.#happens("hidden");
      this.#act();
      let wall = this.#tab.wallNow();
      while (!this.#stop.signal.aborted) {
        await sleep(this.#clock, TICK_MS, { signal: this.#stop.signal });
        const late = this.#tab.wallNow() - wall - TICK_MS;
        wall = this.#tab.wallNow();
        if (late >= this.#pace.lateMs) this.#woken();
        this.#happens("tick");
      }
    } finally {
      stopVisibility();
      stopWaking();
      this.#stream?.abort();
      this.#poll?.abort();
    }
    if (this.#refusal) throw this.#refusal;
  }

  #seen(): void {
    if (this.#tab.isHidden()) {
      this.#happens("hidden");
      return;
    }
    this.#happens("shown");
    if (this.#clock.now() - this.#heardAt >= this.#pace.aliveMs) this.#reopen();
  }

  #woken(): void {
    this.#happens("woken");
    this.#reopen();
  }

  /** Whatever was connected may be dead without a word. */
  #reopen(): void {
    for (const call of [...this.#wakes]) call();
  }

  #happens(happening: Happening): void {
    if (this.#stop.signal.aborted) return;
    const before = this.#state.mode;
    this.#state = next(this.#state, happening, this.#clock.now(), this.#pace);
    if (this.#state.mode !== before) this.#tell({ type: "mode", mode: this.#state.mode });
    this.#act();
  }

  /** Makes the stream and the polls be what the state wants. */
  #act(): void {
    if (wantsStream(this.#state)) this.#stream ??= this.#start((signal) => this.#streaming(signal));
    else this.#stream = end(this.#stream);
    if (pollMs(this.#state) !== null) this.#poll ??= this.#start((signal) => this.#polling(signal));
    else this.#poll = end(this.#poll);
  }

  #start(work: (signal: AbortSignal) => Promise<void>): AbortController {
    const running = new AbortController();
    work(running.signal).catch((error: unknown) => {
      if (running.signal.aborted || this.#stop.signal.aborted) return;
      this.#refusal = error;
      this.#stop.abort();
    });
    return running;
  }

  async #streaming(signal: AbortSignal): Promise<void> {
    const wakes: Wakes = (call) => {
      this.#wakes.add(call);
      return () => this.#wakes.delete(call);
    };
    for await (const event of this.#api.stream(this.#query, { signal, wakes })) {
      if (signal.aborted) return;
      this.#streamed(event);
    }
  }

  #streamed(event: StreamEvent): void {
    if (event.type === "report" || event.type === "freshness") this.#heardAt = this.#clock.now();
    switch (event.type) {
      case "report":
        this.#happens("heard");
        this.#show(event.report);
        break;
      case "freshness":
        this.#happens("heard");
        if (this.#report) this.#show(withFreshness(this.#report, event.freshness));
        break;
      case "waiting":
        if (event.error instanceof ObzvonProblem && event.error.status === 429) {
          this.#happens("crowded");
        } else if (event.silent) this.#happens("silent");
        if (this.#state.mode === "stream" && event.pauseMs > 0) {
          this.#tell({ type: "waiting", error: event.error });
        }
        break;
      case "open":
        break;
    }
  }

  async #polling(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#show(await this.#api.report(this.#query, { signal }));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ObzvonProblem && !error.isPassing) throw error;
        this.#tell({ type: "waiting", error: error as Error });
      }
      const pause = pollMs(this.#state, this.#pace);
      if (pause !== null) await sleep(this.#clock, pause, { signal });
    }
  }

  #show(report: Report): void {
    if (this.#stop.signal.aborted) return;
    this.#report = report;
    this.#tell({ type: "report", report });
  }
}

function end(running: AbortController | undefined): undefined {
  running?.abort();
}
