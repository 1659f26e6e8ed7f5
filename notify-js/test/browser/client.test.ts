import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Server, eventually } from "../fixtures.js";
import { complaintsOf, launch } from "./browser.js";

// The bundle as the real server hands it out, in a page of its own origin.
let browser: Browser, context: BrowserContext, server: Server;

beforeAll(async () => { [browser, server] = await Promise.all([launch(), Server.start()]); });
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => { context = await browser.newContext(); });
afterEach(async () => { await context.close(); });

interface Followed { seen: string[]; states: string[]; client: { state: { name: string }; close(): void } }

async function follow(page: Page, topic: string, broken = false): Promise<void> {
  if (!page.url().startsWith(server.url)) await page.goto(`${server.url}/openapi/v1.json`); // a page of this origin that does nothing
  // As text: a test's own imports are rewritten to what only this process knows.
  await page.evaluate(`(async () => {
    if (${broken}) Storage.prototype.setItem = Storage.prototype.getItem = () => { throw new DOMException("full", "QuotaExceededError"); };
    const { NotifyClient } = await import("/notify.js");
    const client = new NotifyClient({ topics: ["${topic}"], maxRetryDelay: 10_000 });
    const followed = window.followed = { seen: [], states: [], client };
    client.on("notification", n => { followed.seen.push(n.body); });
    client.on("state", state => followed.states.push(state.name));
    await client.start();
  })()`);
  await eventually("live", async () => await state(page) === "live");
}
const state = (page: Page): Promise<string> => page.evaluate(() => (window as unknown as { followed: Followed }).followed.client.state.name);
const seen = (page: Page): Promise<string[]> => page.evaluate(() => (window as unknown as { followed: Followed }).followed.seen);
const has = (page: Page, ...bodies: string[]): Promise<unknown> => eventually(`${bodies.join()} have come`, async () => (await seen(page)).length >= bodies.length)
  .then(async () => expect(await seen(page)).toEqual(bodies));

/** Its place is written at intervals, and another tab begins with what is written. */
const kept = (page: Page, version: number): Promise<unknown> => eventually("its place is kept",
  () => page.evaluate(since => Object.values(localStorage).some(text => (JSON.parse(text as string) as { since?: number }).since === since), version));

describe("a page", () => {
  it("goes on after a reload, and a new tab where any tab was; without storage it still follows", async () => {
    const page = await context.newPage(), complaints = complaintsOf(page);
    await follow(page, "tabs/#");
    await server.publish({ topic: "tabs/a", body: "one" });
    await has(page, "one");
    await page.reload();
    const two = await server.publish({ topic: "tabs/a", body: "two" });
    await follow(page, "tabs/#");
    await has(page, "two");
    await kept(page, two);

    const second = await context.newPage();
    await follow(second, "tabs/#");
    await server.publish({ topic: "tabs/a", body: "three" });
    await has(second, "three");
    await has(page, "two", "three");
    await page.close({ runBeforeUnload: false });
    const four = await server.publish({ topic: "tabs/a", body: "four" });
    await has(second, "three", "four");
    await kept(second, four);
    await second.close();
    await server.publish({ topic: "tabs/a", body: "five" });
    const third = await context.newPage();
    await follow(third, "tabs/#");
    await has(third, "five");

    const bare = await context.newPage();
    await follow(bare, "tabs/#", true);
    await server.publish({ topic: "tabs/a", body: "six" });
    await has(bare, "six");
    expect(complaints).toEqual([]);
  });

  it("is live within a second of the network being back, with what it has missed", async () => {
    const page = await context.newPage();
    await follow(page, "away/#");
    await context.setOffline(true);
    await eventually("retrying", async () => await state(page) === "retrying");
    for (const body of ["one", "two"]) await server.publish({ topic: "away/a", body });
    await page.waitForTimeout(3_000); // long enough for a wait of several seconds before the next attempt
    const took = page.evaluate(() => new Promise<number>(done => addEventListener("online", () => {
      const began = performance.now(), { client } = (window as unknown as { followed: Followed }).followed;
      const look = setInterval(() => {
        if (client.state.name !== "live") return;
        clearInterval(look);
        done(performance.now() - began);
      }, 5);
    })));
    await context.setOffline(false);
    console.log(`live ${Math.round(await took)} ms after the network was back`);
    await has(page, "one", "two");
  });

  it("does not grow with what arrives", async () => {
    const page = await context.newPage();
    await follow(page, "grow/#");
    const heap = (): Promise<number> => page.evaluate(() => {
      (window as unknown as { gc(): void }).gc();
      (window as unknown as { followed: Followed }).followed.seen.length = 0;
      return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
    });
    const count = async (wanted: number): Promise<unknown> => eventually(`${wanted} have come`, async () => (await seen(page)).length >= wanted);
    await server.publishMany(2_000, i => ({ topic: "grow/a", body: `${i}`, data: { text: "x".repeat(200) } }));
    await count(2_000);
    await heap();
    const before = await heap();
    await server.publishMany(10_000, i => ({ topic: "grow/a", body: `${i}`, data: { text: "x".repeat(200) } }));
    await count(10_000);
    await heap();
    const grown = await heap() - before;
    console.log(`${(grown / 1024).toFixed(0)} KB more heap after 10,000 arrivals`);
    expect(grown).toBeLessThan(1_000_000); // kept, they would be 5 MB
  });
});
