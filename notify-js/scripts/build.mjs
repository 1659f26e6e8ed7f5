// The bundle that the service hands out, in Notify.Server/Page.
//   node scripts/build.mjs [folder]
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const out = process.argv[2] ?? join(here, "../Notify.Server/Page");

/**
 * The stock SignalR client as a current browser needs it: without its log lines, which are switched off at run time and a
 * third of its size, and its checks of arguments that types check; without what is for Node and for browsers that lack fetch, and without stateful reconnect, which
 * the service does not offer since a resume replaces it.
 */
const signalr = {
  name: "signalr",
  setup({ onLoad }) {
    onLoad({ filter: /@microsoft[\\/]signalr[\\/]dist[\\/]esm[\\/]\w+\.js$/ }, async ({ path }) => {
      const unused = /(XhrHttpClient|MessageBuffer)\.js$/.exec(path);
      if (unused) return { contents: `export class ${unused[1]} {}` };
      const source = await readFile(path, "utf8");
      return {
        contents: source
          .replace(/^\s*(this\._logger\.log|Arg\.is\w+)\(.*\);$/gm, ";")
          .replace(/\bPlatform\.(isNode|isReactNative)\b/g, "false")
          .replace(/\btypeof (fetch|AbortController) (===|!==) "undefined"/g, (_, name, how) => String(how === "!==")),
      };
    });
  },
};

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none",
  mangleProps: /^_[a-zA-Z]/, // SignalR's and this package's privates
  logLevel: "warning",
};
const banner = text => ({ js: `/*! ${text} */` });

await build({
  ...common, entryPoints: ["src/index.ts"], outfile: join(out, "notify.js"), plugins: [signalr],
  banner: banner("notify-js (MIT), with @microsoft/signalr (c) .NET Foundation (MIT)"),
});
