import { render } from "preact";
import { App } from "./app.tsx";
import { start } from "./store.ts";
import "./theme.css";
import { languageOf, wordsOf } from "./words/language.ts";

const language = languageOf(location.search);
document.documentElement.lang = language;
document.title = wordsOf(language).shortTitle;
const place = document.getElementById("page");
if (place) render(<App language={language} />, place);
void start({});
