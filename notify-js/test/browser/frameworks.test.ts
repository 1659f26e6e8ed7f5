import { execFileSync } from "node:child_process";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "../fixtures.js";
import { complaintsOf, launch } from "./browser.js";
import { InboxDouble } from "./double.js";

const here = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const service = new InboxDouble();
let browser: Browser;

// The package as it is published, found by its name through its own exports.
beforeAll(async () => {
  execFileSync("npx", ["tsc", "-p", "."], { cwd: here });
  browser = await launch();
  await service.start();
  service.add();
});
afterAll(async () => {
  await browser?.close();
  service.stop();
});

async function app(name: string, source: string): Promise<void> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: here, loader: "js" }, bundle: true, write: false, format: "esm", platform: "browser", minify: true,
    define: { "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
  });
  service.scripts.set(`/${name}.js`, outputFiles[0]!.text);
}

async function works(name: string, root = ""): Promise<void> {
  service.pages.set(`/${name}`, `<!doctype html><html lang="en"><head><title>${name}</title><link rel="icon" href="data:,"></head><body><main><h1>${name}</h1><div id="root">${root}</div></main>
    <script type="module" src="/${name}.js"></script></body></html>`);
  const page = await browser.newPage(), complaints = complaintsOf(page);
  await page.goto(`${service.url}/${name}`);
  await page.locator("notify-inbox .badge").waitFor();
  await eventually("the event has come", async () => (await page.title()).startsWith("unread "));
  await page.getByRole("button", { name: /^Benachrichtigungen/ }).click();
  await page.getByRole("article").first().waitFor();
  expect(await page.locator("notify-inbox").evaluate(element => (element as unknown as { tabs: unknown[] }).tabs.length)).toBe(2);
  expect(complaints).toEqual([]);
  await page.close();
}

const setUp = `
  import { NotifyClient } from "notify-js";
  import "notify-js/inbox";
  const client = new NotifyClient({ inbox: true, storage: null });
  client.start();
  const texts = { bell: count => "Benachrichtigungen, " + count }, tabs = [{ label: "Alle" }, { label: "Meine", filter: "$user/me" }];
  const counts = event => { document.title = "unread " + event.detail.unread; };`;

it("works in React 19", async () => {
  await app("react", `${setUp}
    import { createElement } from "react";
    import { createRoot } from "react-dom/client";
    createRoot(document.getElementById("root")).render(createElement("notify-inbox", { client, texts, tabs, align: "start", "onnotify-counts": counts }));`);
  await works("react");
});

it("works in Vue", async () => {
  await app("vue", `${setUp}
    import { createApp, h } from "vue";
    createApp({ render: () => h("notify-inbox", { client, texts, tabs, align: "start", onNotifyCounts: counts }) }).mount("#root");`);
  await works("vue");
});

it("works where a server renders, as an element that only the page makes", async () => {
  // In Node importing it does nothing: no window, no document.
  const component = `
    import { createElement, useEffect, useState } from "react";
    const Inbox = props => {
      const [mounted, mount] = useState(false);
      useEffect(() => mount(true), []);
      return mounted ? createElement("notify-inbox", props) : createElement("span", null, "…");
    };`;
  const markup = execFileSync("node", ["--input-type=module", "-e", `${component}
    import { NotifyInbox } from "notify-js/inbox";
    import { renderToString } from "react-dom/server";
    if (typeof NotifyInbox !== "function") throw new Error("no class");
    console.log(renderToString(createElement(Inbox)));`], { cwd: here, encoding: "utf8" }).trim();
  expect(markup).toBe("<span>…</span>");
  await app("server", `${setUp}${component}
    import { hydrateRoot } from "react-dom/client";
    hydrateRoot(document.getElementById("root"), createElement(Inbox, { client, texts, tabs, align: "start", "onnotify-counts": counts }));`);
  await works("server", markup);
});
