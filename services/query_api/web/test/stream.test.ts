import assert from "node:assert/strict";
import { test } from "node:test";
import { Obzvon, type ObzvonOptions, ObzvonProblem, type StreamEvent } from "../src/index.ts";
import { withFreshness } from "../src/stream.ts";
import { Answers, FRESH, json, report } from "./answers.ts";

const PACE = { retryMs: 1, maxPauseMs: 8, silenceMs: 5_000 };

/** A stream of the given texts, that then ends, or stays silent. */
function streamed(texts: readonly string[], { ends = true } = {}) {
  return async (request: Request): Promise<Response> => {
    const body = new ReadableStream({
      start(controller) {
        for (const text of texts) controller.enqueue(new TextEncoder().encode(text));
        if (ends) controller.close();
        else {
          request.signal.addEventListener("abort", () => controller.error(request.signal.reason));
        }
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  };
}

const told = (planned: number) =>
  `id: tag-${planned}\nevent: report\ndata: ${JSON.stringify(report(planned))}\n\n`;
const FRESHNESS = `event: freshness\ndata: ${JSON.stringify(FRESH)}\n\n`;
const unavailable = (seconds: string) =>
  json({ title: "Unavailable", status: 503, detail: "…" }, { "Retry-After": seconds }, 503);
const unauthorized = () => json({ title: "Unauthorized", status: 401, detail: "…" }, {}, 401);

function client(answers: Answers, options: ObzvonOptions = {}): Obzvon {
  return new Obzvon({
    baseUrl: "http://api.test",
    fetch: answers.fetch,
    credential: { token: "t" },
    pace: PACE,
    ...options,
  });
}

async function take(
  events: AsyncIterable<StreamEvent>,
  until: (seen: StreamEvent[]) => boolean,
): Promise<StreamEvent[]> {
  const seen: StreamEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (until(seen)) break;
  }
  return seen;
}

const types = (events: StreamEvent[]) => events.map(({ type }) => type);
const pauses = (events: StreamEvent[]) =>
  events.flatMap((event) => (event.type === "waiting" ? [event.pauseMs] : []));

test("reports and freshness come typed, however their bytes are cut", async () => {
  const bytes = [...`retry: 1\n\n${told(1)}: a comment\n\n${FRESHNESS}event: later\ndata: {}\n\n`];
  const answers = new Answers(streamed(bytes, { ends: false }));

  const seen = await take(client(answers).stream(), (events) => events.length === 3);

  assert.deepEqual(types(seen), ["open", "report", "freshness"]);
  assert.deepEqual(seen[1], { type: "report", report: report(1) });
  assert.deepEqual(seen[2], { type: "freshness", freshness: FRESH });
});

test("a stream that ended is opened again where it stopped", async () => {
  const answers = new Answers(streamed([told(1), told(2)]), streamed([FRESHNESS], { ends: false }));

  const seen = await take(
    client(answers).stream({ date: "2026-11-24" }),
    (events) => events.at(-1)?.type === "freshness",
  );

  assert.deepEqual(types(seen), ["open", "report", "report", "waiting", "open", "freshness"]);
  const ids = answers.asked.map((request) => request.headers.get("Last-Event-ID"));
  assert.deepEqual(ids, [null, "tag-2"]);
  assert.equal(answers.asked[1]?.url, "http://api.test/api/v1/stream?date=2026-11-24");
});

test("pauses grow to a limit, and begin anew with the first event", async () => {
  const down = () => Promise.reject(new TypeError("fetch failed"));
  const answers = new Answers(down, down, down, down, down, streamed([told(1)]), down);

  const seen = await take(client(answers).stream(), (events) => pauses(events).length === 6);

  const limits = [1, 2, 4, 8, 8, 1];
  for (const [at, pauseMs] of pauses(seen).entries()) {
    const limit = limits[at] ?? Number.NaN;
    assert.ok(limit / 2 <= pauseMs && pauseMs <= limit, `${pauseMs} at ${at}`);
  }
});

test("two clients do not come back at the same moment", async () => {
  const first = async () => {
    const down = () => Promise.reject(new TypeError("fetch failed"));
    const seen = await take(client(new Answers(down)).stream(), (all) => pauses(all).length === 1);
    return pauses(seen)[0];
  };

  const found = new Set(await Promise.all(Array.from({ length: 20 }, first)));

  assert.ok(found.size > 10, `${found.size} different pauses`);
});

test("an API that names a time is not asked before", async () => {
  const answers = new Answers(unavailable("3"));

  const seen = await take(client(answers).stream(), (events) => pauses(events).length === 1);

  const [pauseMs = 0] = pauses(seen);
  assert.ok(3_000 <= pauseMs && pauseMs <= 3_750, String(pauseMs));
});

test("the stream's own retry is the first pause", async () => {
  const answers = new Answers(streamed(["retry: 4\n\n"]));

  const seen = await take(client(answers).stream(), (events) => pauses(events).length === 1);

  assert.ok((pauses(seen)[0] ?? 0) >= 2);
});

test("a refusal that will not pass ends the loop with its problem", async () => {
  const answers = new Answers(json({ title: "Forbidden", status: 403, detail: "…" }, {}, 403));

  await assert.rejects(
    take(client(answers).stream(), () => false),
    (error) => error instanceof ObzvonProblem && error.status === 403,
  );
});

test("a token that ended is renewed once, and not for ever", async () => {
  let tokens = 0;
  const answers = new Answers(unauthorized(), streamed([told(1)]), unauthorized(), unauthorized());
  const credential = { token: () => `token-${++tokens}` };

  const seen: StreamEvent[] = [];
  await assert.rejects(
    async () => {
      for await (const event of client(answers, { credential }).stream()) seen.push(event);
    },
    (error) => error instanceof ObzvonProblem && error.status === 401,
  );

  assert.deepEqual(types(seen), ["waiting", "open", "report", "waiting", "waiting"]);
  const sent = answers.asked.map((request) => request.headers.get("Authorization"));
  assert.deepEqual(
    sent,
    [1, 2, 3, 4].map((number) => `Bearer token-${number}`),
  );
});

test("a token that can't be renewed is not tried twice", async () => {
  await assert.rejects(
    take(client(new Answers(unauthorized())).stream(), () => false),
    (error) => error instanceof ObzvonProblem && error.status === 401,
  );
});

test("a silent stream is dead", async () => {
  const answers = new Answers(
    streamed([told(1)], { ends: false }),
    streamed([told(2)], { ends: false }),
  );
  const api = client(answers, { pace: { ...PACE, silenceMs: 20 } });

  const seen = await take(api.stream(), (events) => types(events).filter(isReport).length === 2);

  assert.deepEqual(types(seen), ["open", "report", "waiting", "open", "report"]);
  assert.match(seen[2]?.type === "waiting" ? seen[2].error.message : "", /Nothing came/);
});

test("a stream ends when it is told to, wherever it stands", async () => {
  const connected = new Answers(streamed([told(1)], { ends: false }));
  const paused = new Answers(unavailable("60"));

  for (const [answers, at] of [
    [connected, "report"],
    [paused, "waiting"],
  ] as const) {
    const stopping = new AbortController();
    const seen = await take(client(answers).stream({}, { signal: stopping.signal }), (events) => {
      if (events.at(-1)?.type === at) setImmediate(() => stopping.abort());
      return false;
    });
    assert.equal(seen.at(-1)?.type, at);
    assert.equal(answers.asked.length, 1);
  }
});

test("a loop that is left closes its connection", async () => {
  const answers = new Answers(streamed([told(1)], { ends: false }));

  await take(client(answers).stream(), (events) => events.at(-1)?.type === "report");

  assert.equal(answers.asked[0]?.signal.aborted, true);
});

test("what is no stream is not waited for", async () => {
  const page = () => Promise.resolve(new Response("<h1>Log in</h1>"));

  const seen = await take(client(new Answers(page)).stream(), (all) => pauses(all).length === 1);

  assert.deepEqual(types(seen), ["waiting"]);
});

test("freshness that came alone makes the report newer", () => {
  const newer = withFreshness(report(5), { ...FRESH, stale: true, stale_reason: "shard 2 …" });

  assert.equal(newer.totals.planned, 5);
  assert.equal(newer.stale_reason, "shard 2 …");
});

function isReport(type: StreamEvent["type"]): boolean {
  return type === "report";
}
