/** Prints what the client costs a page: bundled, minified, and as it travels. */

import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const { outputFiles } = await build({
  entryPoints: [new URL("../src/index.ts", import.meta.url).pathname],
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  write: false,
});
const bundle = outputFiles[0]?.contents ?? new Uint8Array();
console.log(
  JSON.stringify({ minified: bundle.length, gzipped: gzipSync(bundle, { level: 9 }).length }),
);
