/** What the page shows. One store a page; components read it, and `start` writes it. */

import { signal } from "@preact/signals";
import type { LiveEvent, Me, Report, ReportQuery } from "../src/index.ts";
import { browserTab, keepLive, type Mode, Obzvon, ObzvonProblem } from "../src/index.ts";
import { ServerClock } from "./age.ts";

/** What of the page is seen: the report, or why not. */
export type View =
  | "loading"
  | "report"
  | "signedOut"
  | "ended"
  | "unknown"
  | "forbidden"
  | "failed";

export const view = signal<View>("loading");
export const me = signal<Me | null>(null);
export const report = signal<Report | null>(null);
export const mode = signal<Mode>("stream");
/** Whether nothing comes at the moment, as far as is known. */
export const isLost = signal(false);
/** The build the server has now, if it is another one than this page's. */
export const newBuild = signal(false);
/** The server's time in Unix milliseconds; moves each second. */
export const now = signal<number | undefined>(undefined);

const clock = new ServerClock(() => performance.now());
const ownBuild = document.documentElement.dataset.build;
const api = new Obzvon({ fetch: noting });
const leaving = new AbortController();
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("obzvon") : null;

/** Fetches, and notes what every answer says: the server's time, and its build of the page. */
async function noting(request: Request): Promise<Response> {
  const response = await fetch(request);
  clock.note(response.headers.get("Date"));
  noteBuild(response.headers.get("Obzvon-Build"));
  return response;
}

function noteBuild(build: string | null | undefined): void {
  if (build && ownBuild) newBuild.value = build !== ownBuild;
}

/** Shows who is asking and the report of `query`, until the page is left or nobody may see it. */
export async function start(query: ReportQuery): Promise<void> {
  setInterval(() => {
    now.value = clock.now();
  }, 1_000);
  if (tabs) tabs.onmessage = () => forget("signedOut");
  // The server knows whether this browser has a cookie: without one there is nothing to ask.
  if (document.documentElement.dataset.cookie === "absent") {
    forget("unknown");
    return;
  }
  try {
    await identify();
    if (leaving.signal.aborted) return;
    await keepLive(api, query, { tab: browserTab(), signal: leaving.signal, tell });
  } catch (error) {
    if (!leaving.signal.aborted) refuse(error);
  }
}

/** Asks who is asking until there is an answer, or a refusal that will not pass. */
async function identify(): Promise<void> {
  for (let pauseMs = 1_000; ; pauseMs = Math.min(30_000, pauseMs * 2)) {
    try {
      me.value = await api.me({ signal: leaving.signal });
      return;
    } catch (error) {
      if (leaving.signal.aborted) return;
      if (error instanceof ObzvonProblem && !error.isPassing) throw error;
      isLost.value = true;
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random() / 2)));
    }
  }
}

function tell(event: LiveEvent): void {
  switch (event.type) {
    case "report":
      report.value = event.report;
      now.value = clock.now();
      view.value = "report";
      isLost.value = false;
      break;
    case "mode":
      mode.value = event.mode;
      break;
    case "waiting":
      isLost.value = true;
      break;
  }
}

function refuse(error: unknown): void {
  if (!(error instanceof ObzvonProblem)) forget("failed");
  else if (error.status === 401) forget(report.value ? "ended" : "unknown");
  else forget(error.status === 403 ? "forbidden" : "failed");
}

/** Stops everything and keeps nothing of what was shown. */
function forget(why: View): void {
  leaving.abort();
  report.value = null;
  me.value = null;
  view.value = why;
}

/**
 * Called as the form of logging out is sent: other tabs forget at once, and so does this one, also
 * if the browser would keep it for its "back" button.
 */
export function signOut(): void {
  tabs?.postMessage("signed out");
  window.addEventListener("pagehide", () => {
    forget("signedOut");
    document.body.replaceChildren();
  });
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
}
