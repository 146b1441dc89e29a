import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { ageMs, ageText } from "./age.ts";
import { Formats } from "./format.ts";
import { describe } from "./me.ts";
import styles from "./page.module.css";
import { isLost, me, mode, newBuild, now, report, signOut, type View, view } from "./store.ts";
import { Totals } from "./totals.tsx";
import { inOtherLanguage, type Language, wordsOf } from "./words/language.ts";
import type { Words } from "./words/ru.ts";

/** A page of figures older than this says so, even if the server does not. */
const OLD_MS = 20_000;

export function App({ language }: { language: Language }) {
  const words = wordsOf(language);
  const formats = new Formats(language);
  const { pathname, search } = location;
  return (
    <div class={styles.page}>
      <header class={styles.header}>
        <h1>{words.title}</h1>
        <nav class={styles.account}>
          {me.value && <span class={styles.who}>{describe(me.value, words)}</span>}
          <a href={inOtherLanguage(pathname, search)} lang={language === "ru" ? "en" : "ru"}>
            {words.language}
          </a>
          {me.value && (
            <form method="post" action="/logout" onSubmit={signOut}>
              <button type="submit">{words.signOut}</button>
            </form>
          )}
        </nav>
      </header>
      {newBuild.value && (
        <p class={styles.notice}>
          {words.newBuild} · <a href={pathname + search}>{words.refresh}</a>
        </p>
      )}
      <main>
        {report.value ? <Live words={words} formats={formats} /> : <Instead words={words} />}
      </main>
    </div>
  );
}

function Live({ words, formats }: { words: Words; formats: Formats }) {
  const shown = report.value;
  const overdue = shown?.totals.overdue.total ?? 0;
  useEffect(() => {
    const title = `${words.figures.overdue} · ${words.shortTitle}`;
    document.title = overdue ? `(${overdue}) ${title}` : words.shortTitle;
    return () => {
      document.title = words.shortTitle;
    };
  }, [overdue, words]);
  if (!shown) return null;
  const age = ageMs(shown.as_of, now.value);
  const isOld = shown.stale || age === undefined || age > OLD_MS;
  const state = isLost.value ? "lost" : isOld ? "stale" : mode.value === "stream" ? "live" : "poll";
  return (
    <>
      <div class={styles.status}>
        <h2>
          {words.reportOf} {formats.date(shown.date_from)}
        </h2>
        <p>
          <span class={styles.age} data-testid="age">
            {shown.as_of && age !== undefined
              ? `${words.dataAt} ${formats.time(shown.as_of, shown.timezone)} · ${words.ago(ageText(age, words))}`
              : words.noData}
          </span>
          <span class={styles.state} data-state={state} role="status">
            {words.state[state]}
          </span>
        </p>
      </div>
      {shown.complete_since && (
        <p class={styles.notice}>
          {words.completeSince(formats.time(shown.complete_since, shown.timezone))}
        </p>
      )}
      <Totals
        totals={shown.totals}
        isOld={state === "lost" || isOld}
        words={words}
        formats={formats}
      />
    </>
  );
}

/** What is seen in place of the report. */
function Instead({ words }: { words: Words }) {
  const why: Record<Exclude<View, "report">, ComponentChildren> = {
    loading: <p>{isLost.value ? words.unreachable : words.loading}</p>,
    unknown: <SignIn words={words} text={words.pleaseSignIn} />,
    signedOut: <SignIn words={words} text={words.signedOut} />,
    ended: <SignIn words={words} text={words.sessionEnded} />,
    forbidden: (
      <>
        <h2>{words.forbidden}</h2>
        <SignIn words={words} text={words.forbiddenWhy} label={words.signInAsAnother} />
      </>
    ),
    failed: (
      <>
        <p>{words.failed}</p>
        <p>
          <a class={styles.button} href={location.pathname + location.search}>
            {words.reload}
          </a>
        </p>
      </>
    ),
  };
  return <div class={styles.instead}>{why[view.value === "report" ? "loading" : view.value]}</div>;
}

function SignIn({ words, text, label }: { words: Words; text: string; label?: string }) {
  const here = location.pathname + location.search;
  return (
    <>
      <p>{text}</p>
      <p>
        <a class={styles.button} href={`/login?next=${encodeURIComponent(here)}`}>
          {label ?? words.signIn}
        </a>
      </p>
    </>
  );
}
