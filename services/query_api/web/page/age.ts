/**
 * How old figures are, by the server's clock.
 *
 * A television's own clock may be wrong by hours, so it is never asked: the time comes with the
 * server's answers, and moves on by the browser's monotonic clock.
 */

import type { Words } from "./words/ru.ts";

export class ServerClock {
  readonly #monotonic: () => number;
  #offset: number | undefined;

  /** `monotonic` gives milliseconds of any beginning, and never goes back. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Notes the Date header of an answer that has just come. */
  note(date: string | null): void {
    const at = date === null ? Number.NaN : Date.parse(date);
    if (!Number.isNaN(at)) this.#offset = at - this.#monotonic();
  }

  /** Unix milliseconds, to the second; undefined before the first answer. */
  now(): number | undefined {
    return this.#offset === undefined ? undefined : this.#monotonic() + this.#offset;
  }
}

/** Milliseconds since `moment`, never less than none; undefined where that can't be known. */
export function ageMs(moment: string | null, now: number | undefined): number | undefined {
  const at = moment === null ? Number.NaN : Date.parse(moment);
  if (Number.isNaN(at) || now === undefined) return undefined;
  return Math.max(0, now - at);
}

/** «3 с», «12 мин», «2 ч 5 мин»: as exact as is worth saying. */
export function ageText(ms: number, words: Words): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}\u00a0${words.seconds}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}\u00a0${words.minutes}`;
  const rest = minutes % 60;
  const hours = `${Math.floor(minutes / 60)}\u00a0${words.hours}`;
  return rest ? `${hours} ${rest}\u00a0${words.minutes}` : hours;
}
