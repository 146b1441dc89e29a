import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../src/clock.ts";
import { Obzvon } from "../src/index.ts";
import {
  BEGINNING,
  type Happening,
  keepLive,
  LIVE_PACE,
  type LiveEvent,
  type LiveState,
  next,
  pollMs,
  type Tab,
  wantsStream,
} from "../src/live.ts";
import { json, report } from "./answers.ts";

const MINUTE = 60_000;

/** The state after each of these, at its time. */
function after(...happened: (readonly [number, Happening])[]): LiveState {
  return happened.reduce((state, [at, what]) => next(state, what, at), BEGINNING);
}

test("one silent stream is tried again, a second one in a row makes it poll each 5 s", () => {
  const once = after([10_000, "silent"]);
  assert.deepEqual([once.mode, wantsStream(once)], ["stream", true]);

  const twice = after([10_000, "silent"], [20_000, "silent"]);
  assert.deepEqual([twice.mode, wantsStream(twice), pollMs(twice)], ["poll", false, 5_000]);
});

test("an event between two silent streams forgives the first one", () => {
  const state = after([1, "silent"], [2, "heard"], [3, "silent"]);
  assert.equal(state.mode, "stream");
});

test("while it polls, a stream is tried each 5 minutes and polls go on meanwhile", () => {
  const polling = after([0, "silent"], [0, "silent"]);
  assert.equal(wantsStream(next(polling, "tick", 5 * MINUTE - 1)), false);
  const trying = next(polling, "tick", 5 * MINUTE);
  assert.deepEqual([wantsStream(trying), pollMs(trying)], [true, 5_000]);

  const failed = next(trying, "silent", 5 * MINUTE + 10_000);
  assert.deepEqual([wantsStream(failed), failed.tryAt], [false, 10 * MINUTE + 10_000]);
  assert.deepEqual(next(trying, "heard", 5 * MINUTE + 1), BEGINNING);
});

test("too many streams of one caller make it poll at once", () => {
  assert.equal(after([0, "crowded"]).mode, "poll");
});

test("a page hidden for a minute gives its stream up and polls once a minute", () => {
  const soon = after([0, "hidden"], [MINUTE - 1, "tick"]);
  assert.equal(wantsStream(soon), true);
  const resting = next(soon, "tick", MINUTE);
  assert.deepEqual([wantsStream(resting), pollMs(resting)], [false, MINUTE]);
  assert.equal(next(resting, "woken", 2 * MINUTE).mode, "rest");

  const shown = next(resting, "shown", 3 * MINUTE);
  assert.deepEqual([wantsStream(shown), pollMs(shown)], [true, null]);
});

test("a page that polled before it was hidden polls again, and tries a stream at once", () => {
  const shown = after(
    [0, "silent"],
    [0, "silent"],
    [0, "hidden"],
    [MINUTE, "tick"],
    [2 * MINUTE, "shown"],
  );
  assert.deepEqual([shown.mode, wantsStream(shown)], ["poll", true]);
});

test("a wake while it polls tries a stream at once", () => {
  assert.equal(wantsStream(after([0, "silent"], [0, "silent"], [1, "woken"])), true);
});

/** A clock whose time passes only when it is told to. */
class FakeClock implements Clock {
  #now = 0;
  #timers = new Set<{ at: number; call: () => void }>();
  /** Wall time that passed while timers did not: the machine slept. */
  slept = 0;

  readonly now = () => this.#now;
  readonly after = (milliseconds: number, call: () => void) => {
    const timer = { at: this.#now + milliseconds, call };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await settled();
      const due = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (!due || due.at > end) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.call();
    }
    this.#now = end;
    await settled();
  }
}

/** Lets everything run that waits for no timer. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}

class FakeTab implements Tab {
  hidden = false;
  readonly #visibility = new Set<() => void>();
  readonly #wakes = new Set<() => void>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  readonly isHidden = () => this.hidden;
  readonly onVisibility = (call: () => void) => {
    this.#visibility.add(call);
    return () => void this.#visibility.delete(call);
  };
  readonly onWake = (call: () => void) => {
    this.#wakes.add(call);
    return () => void this.#wakes.delete(call);
  };
  readonly wallNow = () => this.#clock.now() + this.#clock.slept;

  show(isShown: boolean): void {
    this.hidden = !isShown;
    for (const call of this.#visibility) call();
  }

  wake(): void {
    for (const call of this.#wakes) call();
  }
}

/** An API whose streams say what `speaks` says, and a page that looks at it. */
class Page {
  readonly clock = new FakeClock();
  readonly tab = new FakeTab(this.clock);
  readonly told: LiveEvent[] = [];
  readonly asked: string[] = [];
  readonly stop = new AbortController();
  /** Whether a stream's events pass whatever is on the way. */
  speaks = true;
  status = 200;
  readonly #open = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly done: Promise<void>;

  constructor() {
    const api = new Obzvon({ baseUrl: "http://api.test", fetch: this.#fetch, clock: this.clock });
    this.done = keepLive(
      api,
      {},
      {
        tab: this.tab,
        clock: this.clock,
        signal: this.stop.signal,
        tell: (event) => this.told.push(event),
      },
    );
  }

  get streams(): number {
    return this.#open.size;
  }

  get modes(): string[] {
    return this.told.flatMap((event) => (event.type === "mode" ? [event.mode] : []));
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.done;
    await settled();
  }

  readonly #fetch = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname;
    this.asked.push(path);
    if (this.status !== 200) return json({ title: "No" }, {}, this.status);
    if (path.endsWith("/report")) return json(report(7));
    assert.equal(request.headers.get("Accept"), "text/event-stream");
    return new Response(this.#body(request), { headers: { "Content-Type": "text/event-stream" } });
  };

  #body(request: Request): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      start: (controller) => {
        this.#open.add(controller);
        let stopTimer = () => {};
        const speak = (text: string) => {
          if (this.speaks) controller.enqueue(new TextEncoder().encode(text));
          stopTimer = this.clock.after(5_000, () => speak("event: freshness\ndata: {}\n\n"));
        };
        speak(`id: a\nevent: report\ndata: ${JSON.stringify(report(1))}\n\n`);
        request.signal.addEventListener("abort", () => {
          stopTimer();
          this.#open.delete(controller);
          controller.error(request.signal.reason);
        });
      },
    });
  }
}

test("a stream that speaks is all that is asked for", async () => {
  const page = new Page();
  await page.clock.pass(10 * MINUTE);
  assert.deepEqual([page.asked, page.modes], [["/api/v1/stream"], []]);
  assert.equal(page.told[0]?.type, "report");
  await page.close();
  assert.equal(page.streams, 0);
});

test("streams that are held back are replaced by polls, until one speaks again", async () => {
  const page = new Page();
  page.speaks = false;
  await settled();
  page.told.length = 0;
  // The first stream had spoken before: it dies of silence, the next two of their first event.
  await page.clock.pass(MINUTE);
  assert.deepEqual(page.modes, ["poll"]);
  assert.equal(page.streams, 0);
  const polls = page.asked.filter((path) => path.endsWith("/report")).length;
  assert.ok(polls >= 3, `${polls} polls`);

  page.speaks = true;
  await page.clock.pass(6 * MINUTE);
  assert.deepEqual(page.modes, ["poll", "stream"]);
  assert.equal(page.streams, 1);
  await page.close();
});

test("a hidden page rests and comes back at once when it is looked at", async () => {
  const page = new Page();
  await page.clock.pass(1_000);
  page.tab.show(false);
  await page.clock.pass(MINUTE + 2_000);
  assert.deepEqual([page.streams, page.modes], [0, ["rest"]]);
  const before = page.asked.length;
  await page.clock.pass(10 * MINUTE);
  assert.equal(page.asked.length - before, 10);

  page.tab.show(true);
  await settled();
  assert.deepEqual([page.streams, page.modes], [1, ["rest", "stream"]]);
  await page.close();
});

test("after a sleep the stream is opened again at once, however alive it seemed", async () => {
  const page = new Page();
  await page.clock.pass(21_000);
  page.clock.slept = 15_000;
  await page.clock.pass(1_000);
  assert.equal(page.asked.length, 2);
  assert.equal(page.told.filter(({ type }) => type === "waiting").length, 0);
  await page.close();
});

test("a page that is shown again keeps a stream over which an event has just come", async () => {
  const page = new Page();
  await page.clock.pass(21_000);
  page.tab.show(false);
  page.tab.show(true);
  await settled();
  assert.equal(page.asked.length, 1);

  page.speaks = false;
  await page.clock.pass(9_000);
  page.tab.show(true);
  await settled();
  assert.equal(page.asked.length, 2);
  await page.close();
});

test("a network that comes back ends the pause before the next try", async () => {
  const page = new Page();
  page.status = 503;
  await page.clock.pass(2 * MINUTE);
  page.status = 200;
  const before = page.asked.length;
  page.tab.wake();
  await settled();
  assert.equal(page.asked.length - before, 1);
  assert.equal(page.streams, 1);
  await page.close();
});

test("a session that has ended is thrown, whichever way reports come", async () => {
  const streaming = new Page();
  streaming.status = 401;
  await assert.rejects(streaming.done, { status: 401 });

  const polling = new Page();
  polling.speaks = false;
  await polling.clock.pass(MINUTE);
  assert.deepEqual(polling.modes, ["poll"]);
  polling.status = 401;
  const refused = assert.rejects(polling.done, { status: 401 });
  await polling.clock.pass(LIVE_PACE.pollMs + 1_000);
  await refused;
});
