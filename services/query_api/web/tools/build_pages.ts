/**
 * Builds the pages into the folder the API serves them from.
 *
 *     node tools/build_pages.ts OUT [LAST]
 *
 * OUT gets `index.html`, `assets/` with content hashes in the names, a `.br` and a `.gz` beside
 * each file, and `build.json`: `{ build, assets, kept }`. The files of the build before (in LAST,
 * or already in OUT) are kept for one build, so that a page that was opened before a deploy still
 * finds its chunks.
 */

import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

interface Build {
  /** What tells one build from another: a hash of the names of its assets, which have hashes. */
  readonly build: string;
  readonly assets: readonly string[];
  /** Assets of the build before. */
  readonly kept: readonly string[];
}

const web = dirname(import.meta.dirname);
const [out, given] = process.argv.slice(2);
if (!out) throw new Error("usage: node tools/build_pages.ts OUT [LAST]");
const last = given && existsSync(join(given, "build.json")) ? given : out;

await build({ root: web, logLevel: "warn" });
const built = join(web, "build", "pages");
rmSync(join(built, ".vite"), { recursive: true, force: true });
const assets = readdirSync(join(built, "assets")).sort();
const id = createHash("sha256")
  .update(assets.join("\n") + readFileSync(join(built, "index.html"), "utf8"))
  .digest("hex")
  .slice(0, 16);
writeFileSync(
  join(built, "index.html"),
  readFileSync(join(built, "index.html"), "utf8").replace('data-build=""', `data-build="${id}"`),
);
for (const file of ["index.html", ...assets.map((name) => join("assets", name))]) {
  compress(join(built, file));
}
const kept = keep(last, id);
writeFileSync(join(built, "build.json"), `${JSON.stringify({ build: id, assets, kept })}\n`);
replace(out);

/** Copies the assets that only the build before has, and gives their names. */
function keep(folder: string, id: string): string[] {
  const file = join(folder, "build.json");
  if (!existsSync(file)) return [];
  const before = JSON.parse(readFileSync(file, "utf8")) as Build;
  // The same build again has the same build before it.
  const wanted = before.build === id ? before.kept : before.assets;
  const kept = wanted.filter(
    (name) => !assets.includes(name) && existsSync(join(folder, "assets", name)),
  );
  for (const name of kept) {
    for (const ending of ["", ".br", ".gz"]) {
      const source = join(folder, "assets", name + ending);
      if (existsSync(source)) cpSync(source, join(built, "assets", basename(source)));
    }
  }
  return kept;
}

/** Puts a `.br` and a `.gz` beside a file, unless they would be larger than it. */
function compress(file: string): void {
  const content = readFileSync(file);
  const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  const coded = {
    ".br": brotliCompressSync(content, { params: quality }),
    ".gz": gzipSync(content, { level: 9 }),
  };
  for (const [ending, bytes] of Object.entries(coded)) {
    if (bytes.length < content.length) writeFileSync(file + ending, bytes);
  }
}

/** Moves the new build to where the old one was, which is never half of both. */
function replace(folder: string): void {
  const next = `${folder}.next`;
  rmSync(next, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  cpSync(built, next, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  renameSync(next, folder);
}
