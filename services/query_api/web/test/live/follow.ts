/** Prints a stream's events as lines of JSON until its input says stop. */

import { Obzvon } from "obzvon-client";

const [baseUrl, token, date] = process.argv.slice(2) as [string, string, string];
const stopping = new AbortController();
process.stdin.once("data", () => {
  stopping.abort();
  process.stdin.destroy();
});
const api = new Obzvon({ baseUrl, credential: { token: () => token }, pace: { retryMs: 50 } });
for await (const event of api.stream({ date }, { signal: stopping.signal })) {
  const shown = event.type === "waiting" ? { ...event, error: event.error.message } : event;
  process.stdout.write(`${JSON.stringify(shown)}\n`);
}
