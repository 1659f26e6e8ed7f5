// The bundles that the service hands out, in Notify.Server/Page: notify.js, and notify-inbox.js, which imports it.
//   node scripts/build.mjs [folder]
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const out = process.argv[2] ?? join(here, "../Notify.Server/Page");

/**
 * The stock SignalR client as a current browser needs it. Left out are its log lines, which are switched off at run time
 * and a third of its size; its checks of arguments, which types check; what is for Node and for browsers without fetch;
 * and stateful reconnect, which the service does not offer since a resume replaces it.
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

// The component imports the client's bundle by its served name, so that a page with both has one client.
const shared = {
  name: "shared",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/index\.js$/ }, () => ({ path: "./notify.js", external: true }));
  },
};

// The indentation of templates.
const flat = {
  name: "flat",
  setup({ onLoad }) {
    onLoad({ filter: /inbox[\\/]element\.ts$/ }, async ({ path }) =>
      ({ contents: (await readFile(path, "utf8")).replace(/^[ ]+/gm, ""), loader: "ts" }));
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
  mangleProps: /^_\$?[a-zA-Z]/, // what SignalR and Lit keep to themselves
  logLevel: "warning",
};
const banner = text => ({ js: `/*! ${text} */` });

await build({
  ...common, entryPoints: ["src/index.ts"], outfile: join(out, "notify.js"), plugins: [signalr],
  banner: banner("notify-js (MIT), with @microsoft/signalr (c) .NET Foundation (MIT)"),
});
await build({
  ...common, entryPoints: ["src/inbox/index.ts"], outfile: join(out, "notify-inbox.js"), plugins: [shared, flat],
  banner: banner("notify-js inbox (MIT), with Lit (c) Google LLC (BSD-3-Clause)"),
});
