/** The built client against a real API: tests/integration/query_api/web/test_web_client.py runs it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Obzvon, ObzvonProblem } from "obzvon-client";

const DATE = "2026-11-24";

function given(name: string): string {
  const value = process.env[`OBZVON_${name}`];
  assert.ok(value, `OBZVON_${name} is not given`);
  return value;
}

const baseUrl = given("URL");
const head = new Obzvon({ baseUrl, credential: { token: given("TOKEN") } });

async function problem(promise: Promise<unknown>): Promise<ObzvonProblem> {
  const error = await promise.catch((caught: unknown) => caught);
  assert.ok(error instanceof ObzvonProblem, String(error));
  return error;
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("the report of a date, of a range and of a choice", async () => {
  const day = await head.report({ date: DATE });
  const range = await head.report({ date_from: "2026-11-23", date_to: DATE });
  const one = await head.report({ date: DATE, operator_id: "op-1" });
  const none = await head.report({ date: DATE, operator_id: "" });
  const unplanned = await head.report({ date: DATE, plan_date: "none" });

  assert.equal(day.totals.planned, 8);
  assert.equal(day.stale, false);
  assert.equal(range.date, null);
  assert.deepEqual(
    one.operators.map(({ operator }) => operator.id),
    ["op-1"],
  );
  assert.deepEqual(none.filters, { operator_id: "", manager_id: null, plan_date: null });
  assert.deepEqual(
    none.operators.map(({ operator }) => operator.name),
    ["Без оператора"],
  );
  assert.equal(unplanned.totals.planned, 8);
});

test("the course of a date, the days of a range, and who asks", async () => {
  const course = await head.hours({ date: DATE });
  const range = await head.days({ date_from: "2026-11-23", date_to: DATE });
  const me = await head.me();

  const day = await head.report({ date: DATE });
  const calls = course.hours.reduce((sum, bucket) => sum + bucket.calls, 0);
  assert.equal(calls, day.totals.calls);
  assert.deepEqual(
    course.hours.map(({ hour }) => hour),
    ["before", ...Array(24).keys(), "after"],
  );
  assert.deepEqual(
    range.days.map(({ date }) => date),
    ["2026-11-23", DATE],
  );
  assert.deepEqual(range.days.at(-1)?.totals, day.totals);
  assert.deepEqual([me.kind, me.roles, me.restriction], ["person", ["head"], null]);
});

test("unchanged figures are not sent again", async () => {
  const statuses: number[] = [];
  const api = new Obzvon({
    baseUrl,
    credential: { token: given("TOKEN") },
    fetch: async (request) => {
      const response = await fetch(request);
      statuses.push(response.status);
      return response;
    },
  });

  const first = await api.report({ date: DATE });
  const second = await api.report({ date: DATE });

  assert.deepEqual(statuses, [200, 304]);
  assert.equal(second.totals, first.totals);
  assert.deepEqual(second, first);
});

test("the rows behind a figure sum to it, over all pages", async () => {
  const { totals } = await head.report({ date: DATE });
  const pages = await all(head.contactPages({ date: DATE, counter: "calls", limit: 2 }));
  const rows = await all(head.contacts({ date: DATE, counter: "calls", limit: 2 }));

  assert.ok(pages.length > 2, `${pages.length} pages`);
  assert.equal(pages[0]?.total, rows.length);
  assert.equal(new Set(rows.map(({ task_id }) => task_id)).size, rows.length);
  assert.equal(
    rows.reduce((sum, { contribution }) => sum + (contribution ?? 0), 0),
    totals.calls,
  );
});

test("rows are filtered, sorted and searched", async () => {
  const found = await all(
    head.contacts({ date: DATE, q: "адрес", overdue: false, sort: "-task_id", status: "open" }),
  );

  assert.ok(found.length > 1);
  assert.deepEqual(
    found.map(({ task_id }) => task_id),
    found
      .map(({ task_id }) => task_id)
      .sort()
      .reverse(),
  );
});

test("what there is to choose from", async () => {
  const pickers = await head.filters({ date: DATE });

  assert.deepEqual(
    pickers.operators.map(({ id }) => id),
    ["op-1", "op-2", ""],
  );
});

test("the report as a file", async () => {
  const csv = await head.file("csv", { date: DATE });
  const xlsx = await head.file("xlsx", { date: DATE });

  assert.equal(csv.name, `obzvon-${DATE}.csv`);
  assert.match(await csv.content.text(), /Оперативная работа по обзвону/);
  assert.equal(xlsx.name, `obzvon-${DATE}.xlsx`);
  assert.equal((await xlsx.content.text()).slice(0, 2), "PK");
  const linked = await fetch(head.fileUrl("csv", { date: DATE }), {
    headers: { Authorization: `Bearer ${given("TOKEN")}` },
  });
  assert.equal(linked.status, 200);
  const seen = await head.file("csv", { date: DATE, columns: "calls,planned", sort: "-calls" });
  assert.match(await seen.content.text(), /"Оператор";"Звонков";"План"/);
});

test("rows have their sum and version, and a version that has gone is told", async () => {
  const [page] = await all(head.contactPages({ date: DATE, counter: "calls" }));
  const { totals } = await head.report({ date: DATE });

  assert.equal(page?.sum, totals.calls);
  const version = page?.version;
  const again = await all(head.contacts({ date: DATE, counter: "calls", limit: 2, version }));
  assert.equal(again.length, page?.total);
  const gone = await problem(all(head.contacts({ date: DATE, version: 'W/"another"' })));
  assert.equal(gone.status, 410);
});

test("the rows as a file", async () => {
  const query = { date: DATE, counter: "calls", columns: "client,contribution" } as const;
  const csv = await head.contactFile("csv", query);
  const xlsx = await head.contactFile("xlsx", query);

  assert.equal(csv.name, `obzvon-contacts-${DATE}.csv`);
  assert.match(await csv.content.text(), /"Контрагент";"Вклад"/);
  assert.equal((await xlsx.content.text()).slice(0, 2), "PK");
  const linked = await fetch(head.contactFileUrl("csv", query), {
    headers: { Authorization: `Bearer ${given("TOKEN")}` },
  });
  assert.equal(linked.status, 200);
});

test("the probes answer without a caller", async () => {
  const nobody = new Obzvon({ baseUrl });

  assert.equal((await nobody.liveness()).status, "ok");
  assert.equal((await nobody.readiness()).unreadable, null);
  assert.match(await nobody.metrics(), /obzvon_api_stale/);
});

test("a wrong parameter is named", async () => {
  const { status, fields, requestId } = await problem(head.report({ date: "2026-02-30" }));

  assert.equal(status, 422);
  assert.deepEqual(fields, [
    { field: "date", value: "2026-02-30", message: "there is no such day" },
  ]);
  assert.ok(requestId);
});

test("nobody, another role and a stranger's key are refused", async () => {
  const nobody = new Obzvon({ baseUrl });
  const manager = new Obzvon({ baseUrl, credential: { token: () => given("OTHER_ROLE_TOKEN") } });
  const stranger = new Obzvon({ baseUrl, credential: { key: "obzkey_00000000_x" } });

  assert.equal((await problem(nobody.report())).status, 401);
  assert.equal((await problem(manager.report())).status, 403);
  assert.equal((await problem(all(manager.contacts()))).status, 403);
  assert.equal((await problem(all(manager.stream()))).status, 403);
  assert.equal((await problem(stranger.report())).status, 401);
});

test("a wallboard's key shows figures and no rows", async () => {
  const wallboard = new Obzvon({ baseUrl, credential: { key: given("KEY") } });

  assert.equal((await wallboard.report({ date: DATE })).totals.planned, 8);
  assert.equal((await problem(all(wallboard.contacts({ date: DATE })))).status, 403);
  assert.equal((await wallboard.openWallboard(given("KEY"))).name, "Hall 2");
});
