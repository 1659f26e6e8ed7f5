import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Server, eventually } from "../fixtures.js";
import { axeFindings, complaintsOf, launch, pagePicture } from "./browser.js";

// As somebody has them: on a web server of their own, another origin than the service's.
const examples = resolve(dirname(fileURLToPath(import.meta.url)), "../../../examples");
const types: Record<string, string> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8" };
let browser: Browser, server: Server;
const webServers: HttpServer[] = [];

beforeAll(async () => {
  // The packages of the React example are those of its lock file; notify-js is this one, built as it is published.
  if (!existsSync(join(examples, "react/node_modules"))) execFileSync("npm", ["ci"], { cwd: join(examples, "react"), stdio: "pipe" });
  execFileSync("npx", ["tsc", "-p", "."], { cwd: resolve(examples, "../notify-js"), stdio: "pipe" });
  execFileSync("npm", ["run", "--silent", "build"], { cwd: join(examples, "react"), stdio: "pipe" });
  [browser, server] = await Promise.all([launch(), Server.start()]);
});
afterAll(async () => {
  for (const one of webServers) one.close();
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

async function serve(folder: string): Promise<string> {
  const web = createServer((request, response) => {
    const path = new URL(request.url!, "http://x").pathname, file = join(folder, path === "/" ? "index.html" : path);
    try {
      const content = readFileSync(file);
      response.writeHead(200, { "Content-Type": types[extname(file)] ?? "" }).end(content);
    } catch { response.writeHead(404).end(); }
  });
  webServers.push(web);
  await new Promise<void>(done => web.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
}

async function open(address: string, user: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 900, height: 600 } });
  page.setDefaultTimeout(30_000);
  const complaints = complaintsOf(page);
  await page.goto(`${address}/?server=${encodeURIComponent(server.url)}&user=${user}`);
  await live(page);
  return { page, complaints };
}

const live = (page: Page): Promise<void> => page.getByRole("status").filter({ hasText: /^live/ }).first().waitFor();
const items = (page: Page): Promise<string[]> => page.locator("ol > li").evaluateAll(all => all.map(item => item.firstChild!.textContent!.trim()));
const listed = (page: Page, ...titles: string[]): Promise<unknown> => eventually(`${titles.join()} are listed`, async () => (await items(page)).join() === titles.join());

/** What every example does: publish, follow, an inbox, back after an absence, usable on a phone. */
async function works(name: string, page: Page): Promise<void> {
  await page.getByLabel("Title").fill("First");
  await page.getByRole("button", { name: "Publish to orders/42" }).click();
  await listed(page, "First");
  await server.publish({ user: name, title: "For the inbox" });
  await page.locator("notify-inbox .badge", { hasText: /^1$/ }).waitFor();
  await server.stop("SIGKILL");
  await page.getByRole("status").filter({ hasText: /^(retrying|connecting)/ }).first().waitFor();
  await server.start();
  await page.evaluate(() => dispatchEvent(new Event("online"))); // it would come by itself, in up to 10 s
  await live(page);
  await server.publish({ topic: "orders/1", title: "Second" });
  await eventually("the second one is listed", async () => (await items(page))[0] === "Second");
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await page.getByRole("article").first().waitFor();
  await page.screenshot({ path: pagePicture(`example-${name}`) });
  expect(await axeFindings(page)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 640 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  await page.keyboard.press("Escape");
}

describe("the examples", () => {
  it("one HTML file, which goes on where it was after a reload", async () => {
    const { page, complaints } = await open(await serve(join(examples, "vanilla")), "vanilla");
    await works("vanilla", page);
    await page.goto("about:blank");
    await server.publish({ topic: "orders/2", title: "While the page was closed" });
    await page.goBack();
    await live(page);
    await eventually("it has come", async () => (await items(page))[0] === "While the page was closed");
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("React, with another filter and back", async () => {
    const { page, complaints } = await open(await serve(join(examples, "react/public")), "react");
    await works("react", page);
    await page.getByLabel("Follow").selectOption("ops/#");
    await listed(page);
    await eventually("what is followed now, and not what was", async () => {
      await server.publish({ topic: "orders/3", title: "Not followed" });
      await server.publish({ topic: "ops/1", title: "Disk full" });
      return (await items(page)).includes("Disk full");
    });
    expect(await items(page)).not.toContain("Not followed");
    await page.getByLabel("Follow").selectOption("orders/#");
    await eventually("it is followed again", async () => {
      await server.publish({ topic: "orders/3", title: "Followed again" });
      return (await items(page)).includes("Followed again");
    });
    await page.getByRole("status").filter({ hasText: /unread/ }).waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });
});
