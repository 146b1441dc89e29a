import assert from "node:assert/strict";
import { test } from "node:test";
import { ageMs, ageText, ServerClock } from "../page/age.ts";
import { Formats } from "../page/format.ts";
import { describe } from "../page/me.ts";
import { en } from "../page/words/en.ts";
import { inOtherLanguage, languageOf } from "../page/words/language.ts";
import { ru } from "../page/words/ru.ts";

const SPACE = "\u00a0";

test("the time is the server's, and moves on by a clock that never goes back", () => {
  let monotonic = 5_000;
  const clock = new ServerClock(() => monotonic);
  assert.equal(clock.now(), undefined);
  clock.note("Wed, 25 Nov 2026 10:00:00 GMT");
  monotonic += 90_000;
  assert.equal(clock.now(), Date.parse("2026-11-25T10:01:30Z"));
});

test("an answer without a time, or with an unreadable one, changes nothing", () => {
  const clock = new ServerClock(() => 0);
  clock.note("Wed, 25 Nov 2026 10:00:00 GMT");
  clock.note(null);
  clock.note("yesterday");
  assert.equal(clock.now(), Date.parse("2026-11-25T10:00:00Z"));
});

test("an age is never negative, and unknown where a moment is", () => {
  const now = Date.parse("2026-11-25T10:00:00Z");
  assert.equal(ageMs("2026-11-25T12:59:57+03:00", now), 3_000);
  assert.equal(ageMs("2026-11-25T13:00:01+03:00", now), 0);
  assert.equal(ageMs(null, now), undefined);
  assert.equal(ageMs("2026-11-25T13:00:00+03:00", undefined), undefined);
});

test("an age is told as exactly as is worth it", () => {
  const told = (ms: number) => ageText(ms, ru).replaceAll(SPACE, " ");
  assert.equal(told(0), "0 с");
  assert.equal(told(59_999), "59 с");
  assert.equal(told(60_000), "1 мин");
  assert.equal(told(3_599_999), "59 мин");
  assert.equal(told(3_600_000), "1 ч");
  assert.equal(told(2 * 3_600_000 + 5 * 60_000), "2 ч 5 мин");
  assert.equal(ageText(3_000, en), `3${SPACE}s`);
});

test("numbers are written as their readers write them", () => {
  const [russian, english] = [new Formats("ru"), new Formats("en")];
  assert.equal(russian.count(12345), `12${SPACE}345`);
  assert.equal(english.count(12345), "12,345");
  assert.equal(russian.percent(42.5), `42,5${SPACE}%`);
  assert.equal(russian.percent(null), "—");
});

test("moments are shown on the clock of the report's zone, dates on none", () => {
  const formats = new Formats("ru");
  assert.equal(formats.time("2026-11-25T10:00:05+00:00", "Europe/Moscow"), "13:00:05");
  assert.equal(formats.date("2026-11-25").replaceAll(SPACE, " "), "25 ноября 2026 г.");
  assert.equal(new Formats("en").date("2026-11-25"), "25 November 2026");
});

test("a person is named with their roles, and that they see a part only", () => {
  const head = { name: "orlova", roles: ["head"], restriction: null };
  assert.equal(describe(head, ru), "orlova · Руководитель");
  const part = { ...head, restriction: { operators: ["op-1"], managers: null } };
  assert.equal(describe(part, en), "orlova · Head · some of the operators");
});

test("a role that came with a later version of the API is shown as it is", () => {
  assert.equal(describe({ name: "x", roles: ["auditor"], restriction: null }, ru), "x · auditor");
});

test("the address names the language, Russian by saying nothing", () => {
  assert.deepEqual(["", "?lang=en", "?lang=de"].map(languageOf), ["ru", "en", "ru"]);
  assert.equal(inOtherLanguage("/", "?date=2026-11-25"), "/?date=2026-11-25&lang=en");
  assert.equal(inOtherLanguage("/", "?lang=en"), "/");
});

test("every text there is in Russian is there in English, and none is empty", () => {
  const leaves = (of: object): string[] =>
    Object.entries(of).flatMap(([key, value]) =>
      typeof value === "object" ? leaves(value).map((leaf) => `${key}.${leaf}`) : [key],
    );
  assert.deepEqual(leaves(en).sort(), leaves(ru).sort());
  assert.ok(!JSON.stringify([ru, en]).includes('""'));
});
