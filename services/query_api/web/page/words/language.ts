import { en } from "./en.ts";
import { ru, type Words } from "./ru.ts";

export type Language = "ru" | "en";

const WORDS: Record<Language, Words> = { ru, en };

/** The language an address asks for; Russian unless it is another one we have. */
export function languageOf(search: string): Language {
  return new URLSearchParams(search).get("lang") === "en" ? "en" : "ru";
}

export function wordsOf(language: Language): Words {
  return WORDS[language];
}

/** The same address in the other language. */
export function inOtherLanguage(path: string, search: string): string {
  const parameters = new URLSearchParams(search);
  if (languageOf(search) === "en") parameters.delete("lang");
  else parameters.set("lang", "en");
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}
