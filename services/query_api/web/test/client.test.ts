import assert from "node:assert/strict";
import { test } from "node:test";
import { Obzvon, type ObzvonOptions, ObzvonProblem, ObzvonUnreachable } from "../src/index.ts";
import { Answers, FRESH, json, never, report } from "./answers.ts";

function client(answers: Answers, options: ObzvonOptions = {}): Obzvon {
  return new Obzvon({ baseUrl: "http://api.test/", fetch: answers.fetch, ...options });
}

test("a 304 gives the kept figures with the freshness of its headers", async () => {
  const answers = new Answers(
    json(report(), { ETag: 'W/"one"' }),
    new Response(null, {
      status: 304,
      headers: { ETag: 'W/"one"', "Obzvon-As-Of": "later", "Obzvon-Lag-Events": "0" },
    }),
    new Response(null, {
      status: 304,
      headers: { ETag: 'W/"one"', "Obzvon-As-Of": "", "Obzvon-Lag-Events": "" },
    }),
  );
  const api = client(answers);

  const first = await api.report({ date: "2026-11-24" });
  const second = await api.report({ date: "2026-11-24" });
  const third = await api.report({ date: "2026-11-24" });

  assert.deepEqual(first, report());
  assert.deepEqual(second, { ...report(), as_of: "later", lag_events: 0 });
  assert.deepEqual(third, { ...report(), as_of: null, lag_events: null, stale: true });
  assert.equal(third.totals, first.totals);
  const tags = answers.asked.map((request) => request.headers.get("If-None-Match"));
  assert.deepEqual(tags, [null, 'W/"one"', 'W/"one"']);
});

test("an ETag is sent only where the same was asked", async () => {
  const answers = new Answers(
    json(report(), { ETag: 'W/"one"' }),
    json(report(), { ETag: 'W/"two"' }),
  );
  const api = client(answers);

  await api.report({ date: "2026-11-24" });
  await api.report({ date: "2026-11-24", operator_id: "" });

  assert.equal(answers.asked[1]?.headers.get("If-None-Match"), null);
  assert.equal(answers.asked[1]?.url, "http://api.test/api/v1/report?date=2026-11-24&operator_id=");
});

test("courses and days are kept too, each by its own address", async () => {
  const course = { ...report(), hours: [{ hour: "before", calls: 1 }] };
  const range = { ...report(), days: [{ date: "2026-11-24", totals: report().totals }] };
  const unchanged = () =>
    new Response(null, {
      status: 304,
      headers: { "Obzvon-As-Of": "later", "Obzvon-Lag-Events": "0" },
    });
  const answers = new Answers(
    json(course, { ETag: 'W/"hours"' }),
    json(range, { ETag: 'W/"days"' }),
    unchanged(),
    unchanged(),
  );
  const api = client(answers);
  const asked = { date_from: "2026-11-18", date_to: "2026-11-24" };

  const hours = await api.hours({ date: "2026-11-24", manager_id: "" });
  const days = await api.days(asked);
  const sameHours = await api.hours({ date: "2026-11-24", manager_id: "" });
  const sameDays = await api.days(asked);

  assert.equal(sameHours.hours, hours.hours);
  assert.equal(sameDays.days, days.days);
  assert.deepEqual([sameHours.as_of, sameDays.lag_events], ["later", 0]);
  const urls = answers.asked.map(({ url }) => url.replace("http://api.test/api/v1/", ""));
  assert.deepEqual(urls.slice(0, 2), [
    "hours?date=2026-11-24&manager_id=",
    "days?date_from=2026-11-18&date_to=2026-11-24",
  ]);
  const tags = answers.asked.map((request) => request.headers.get("If-None-Match"));
  assert.deepEqual(tags, [null, null, 'W/"hours"', 'W/"days"']);
});

test("who is asking is what the API says", async () => {
  const me = { name: "ivanova", kind: "person", roles: ["head"], restriction: null };
  const answers = new Answers(json(me));

  assert.deepEqual(await client(answers).me(), me);
  assert.equal(answers.asked[0]?.url, "http://api.test/api/v1/me");
});

test("only so many reports are kept", async () => {
  const many = Array.from({ length: 34 }, () => json(report(), { ETag: 'W/"one"' }));
  const answers = new Answers(...many);
  const api = client(answers);

  for (let operator = 0; operator < 33; operator++) {
    await api.report({ operator_id: `op-${operator}` });
  }
  await api.report({ operator_id: "op-0" });

  assert.equal(answers.asked.at(-1)?.headers.get("If-None-Match"), null);
});

test("a problem tells what was wrong, when to come back and how to find it in the log", async () => {
  const fields = [{ field: "date", value: "2026-02-30", message: "there is no such day" }];
  const body = { title: "Unprocessable Content", status: 422, detail: "date: …", errors: fields };
  const headers = { "Retry-After": "7", "X-Request-Id": "0123456789abcdef" };

  const problem = await caught(client(new Answers(json(body, headers, 422))).report());

  assert.ok(problem instanceof ObzvonProblem);
  assert.deepEqual(
    [problem.status, problem.title, problem.detail, problem.retryAfterMs, problem.requestId],
    [422, "Unprocessable Content", "date: …", 7_000, "0123456789abcdef"],
  );
  assert.deepEqual(problem.fields, fields);
  assert.equal(problem.isPassing, false);
});

test("a page of a proxy's is a problem too", async () => {
  const page = new Response("<h1>Bad Gateway</h1>", { status: 502, statusText: "Bad Gateway" });

  const problem = await caught(client(new Answers(page)).filters());

  assert.ok(problem instanceof ObzvonProblem);
  assert.deepEqual([problem.status, problem.detail, problem.fields], [502, "Bad Gateway", []]);
  assert.equal(problem.isPassing, true);
});

test("no answer, a late one and one that is no JSON are unreachable", async () => {
  const refused = new TypeError("fetch failed");
  const cut = new Response('{"date":', { headers: { "Content-Type": "application/json" } });

  for (const answer of [refused, cut, never]) {
    const error = await caught(client(new Answers(answer), { timeoutMs: 20 }).report());
    assert.ok(error instanceof ObzvonUnreachable, String(error));
    assert.ok(error.cause);
  }
});

test("a caller who gives up gets the reason of its own signal", async () => {
  const leaving = new AbortController();
  const reason = new Error("the page was left");
  const error = caught(client(new Answers(never)).report({}, { signal: leaving.signal }));

  leaving.abort(reason);

  assert.equal(await error, reason);
});

test("contacts are read page after page, until there is none", async () => {
  const page = (ids: string[], next: string | null) =>
    json({ items: ids.map((task_id) => ({ task_id })), next_cursor: next, total: 3, as_of: null });
  const answers = new Answers(page(["T1", "T2"], "next+/="), page(["T3"], null));

  const ids = [];
  for await (const row of client(answers).contacts({ counter: "calls", limit: 2 })) {
    ids.push(row.task_id);
  }

  assert.deepEqual(ids, ["T1", "T2", "T3"]);
  const cursors = answers.asked.map(({ url }) => new URL(url).searchParams.get("cursor"));
  assert.deepEqual(cursors, [null, "next+/="]);
});

test("a page of contacts is not asked for before it is wanted", async () => {
  const first = json({ items: [{ task_id: "T1" }], next_cursor: "more", total: 2, as_of: null });
  const answers = new Answers(first);

  for await (const _ of client(answers).contacts()) break;

  assert.equal(answers.asked.length, 1);
});

test("a token is asked for before every request, and no cookie goes with it", async () => {
  let asked = 0;
  const answers = new Answers(json(report()), json(report()));
  const api = client(answers, { credential: { token: async () => `token-${++asked}` } });

  await api.report();
  await api.report();

  const sent = answers.asked.map((request) => request.headers.get("Authorization"));
  assert.deepEqual(sent, ["Bearer token-1", "Bearer token-2"]);
  assert.deepEqual([...new Set(answers.asked.map(({ credentials }) => credentials))], ["omit"]);
});

test("a cookie goes to the page's own origin, a key as a key", async () => {
  const answers = new Answers(json(report()), json(report()));

  await client(answers).report();
  await client(answers, { credential: { key: "obzkey_1" } }).report();

  assert.equal(answers.asked[0]?.credentials, "same-origin");
  assert.equal(answers.asked[0]?.headers.get("Authorization"), null);
  assert.equal(answers.asked[1]?.headers.get("Authorization"), "Key obzkey_1");
});

test("a browser's cache answers no report: its freshness would be old", async () => {
  const answers = new Answers(json(report()));

  await client(answers).report();

  assert.equal(answers.asked[0]?.cache, "no-store");
});

test("a file comes with the name the API gives it; its address holds what was asked", async () => {
  const headers = { "Content-Disposition": 'attachment; filename="obzvon-2026-11-24.csv"' };
  const api = client(new Answers(new Response("План", { headers })));

  const file = await api.file("csv", { date: "2026-11-24" });

  assert.deepEqual([file.name, await file.content.text()], ["obzvon-2026-11-24.csv", "План"]);
  assert.equal(
    api.fileUrl("xlsx", { date: "2026-11-24", manager_id: "м&1" }),
    "http://api.test/api/v1/report.xlsx?date=2026-11-24&manager_id=%D0%BC%261",
  );
});

test("a wallboard's key is exchanged in the body, never in the address", async () => {
  const session = { name: "Зал", expires_at: FRESH.computed_at };
  const answers = new Answers(json(session));

  assert.deepEqual(await client(answers).openWallboard("obzkey_1"), session);
  assert.deepEqual(await answers.asked[0]?.json(), { key: "obzkey_1" });
  assert.ok(!answers.asked[0]?.url.includes("obzkey"));
});

test("a client without a usable address is refused at once", () => {
  assert.throws(() => new Obzvon(), /baseUrl/);
});

function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail("it was answered"),
    (error: unknown) => error,
  );
}
