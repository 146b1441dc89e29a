/** Numbers and moments as people read them. */

import type { Language } from "./words/language.ts";

export class Formats {
  readonly #count: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #language: Language;

  constructor(language: Language) {
    this.#language = language;
    this.#count = new Intl.NumberFormat(language);
    this.#percent = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  }

  count(value: number): string {
    return this.#count.format(value);
  }

  /** A percentage; a dash where there is nothing to divide by. */
  percent(value: number | null): string {
    return value === null ? "—" : `${this.#percent.format(value)}\u00a0%`;
  }

  /** The hour of a moment on the wall of the report's time zone. */
  time(moment: string, timeZone: string): string {
    return new Intl.DateTimeFormat(this.#language === "en" ? "en-GB" : "ru", {
      timeZone,
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    }).format(new Date(moment));
  }

  /** A calendar date such as 2026-11-24, which is in no time zone. */
  date(date: string): string {
    return new Intl.DateTimeFormat(this.#language === "en" ? "en-GB" : "ru", {
      timeZone: "UTC",
      day: "numeric",
      month: "long",
      year: "numeric",
    }).format(new Date(`${date}T00:00:00Z`));
  }
}
