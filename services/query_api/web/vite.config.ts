import { defineConfig } from "vite";

/**
 * The pages. No plugin: JSX becomes Preact's calls, and that is all.
 *
 * `tools/build_pages.ts` runs this and lays the result where the API serves it from.
 */
export default defineConfig({
  base: "/",
  publicDir: false,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "chrome87", // televisions
    outDir: "build/pages",
    manifest: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // the policy lets no script and no style stand in the page itself
    reportCompressedSize: false,
    rolldownOptions: { input: { index: "index.html" } },
  },
  server: {
    // `npx vite` here, beside `obzvon up`: pages from their sources, figures from the API.
    proxy: Object.fromEntries(
      ["/api", "/login", "/logout"].map((path) => [
        path,
        { target: process.env.OBZVON_URL ?? "http://127.0.0.1:8080", changeOrigin: true },
      ]),
    ),
  },
});
