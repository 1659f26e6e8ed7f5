import { readFileSync } from "node:fs";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { InboxSummary } from "../../src/index.js";
import { Server, eventually } from "../fixtures.js";
import { axeFindings, bundles, complaintsOf, launch, pageHeaders, picture } from "./browser.js";
import { articlesOf, badgeOf, bellOf, focusedOf, html, titlesOf } from "./inboxPage.js";

// The component in a page of the real service's origin. Each test is a user of its own.
let browser: Browser, context: BrowserContext, server: Server, user: string, count = 0, sockets = 0;
const complaints: string[] = [];

beforeAll(async () => { [browser, server] = await Promise.all([launch(), Server.start()]); });
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  user = `user-${++count}`;
  sockets = 0;
  context = await newDevice();
});
afterEach(async () => {
  await context.close();
  expect(complaints.splice(0)).toEqual([]);
  expect(sockets).toBeGreaterThan(0); // and not what it falls back to
});

const tabs = `tabs='[{"label":"All"},{"label":"Orders","filter":"orders/#"},{"label":"Ops","filter":"$group/ops"},{"label":"Mine","filter":"$user/me"},{"label":"Archived","state":"archived"}]'`;

async function newDevice(): Promise<BrowserContext> {
  const device = await browser.newContext({ viewport: { width: 900, height: 760 }, reducedMotion: "reduce" });
  const send = (path: string, contentType: string, body: string): Promise<unknown> =>
    device.route(`${server.url}${path}`, route => route.fulfill({ contentType, headers: pageHeaders, body }));
  await send("/shop", "text/html; charset=utf-8", html(`<notify-inbox user="${user}" align="start"></notify-inbox>`));
  await send("/tabs", "text/html; charset=utf-8", html(`<notify-inbox user="${user}" align="start" ${tabs}></notify-inbox>`));
  for (const [path, file] of Object.entries(bundles)) await send(path, "text/javascript; charset=utf-8", readFileSync(file, "utf8"));
  return device;
}

interface Told { told: InboxSummary[] }

/** A page with the component, and everything that it was told about counts. */
async function open(of = context, path = "/shop"): Promise<Page> {
  const page = await of.newPage();
  page.setDefaultTimeout(30_000);
  const said = complaintsOf(page);
  page.on("websocket", () => { sockets++; });
  page.on("close", () => complaints.push(...said));
  await page.addInitScript(() => {
    const told: InboxSummary[] = (window as unknown as Told).told = [];
    addEventListener("notify-counts", event => told.push((event as CustomEvent<InboxSummary>).detail));
  });
  await page.goto(server.url + path);
  await eventually("it was told its counts", async () => (await toldTo(page)).length);
  return page;
}

const toldTo = (page: Page): Promise<InboxSummary[]> => page.evaluate(() => (window as unknown as Told).told);
const summary = async (filters = ""): Promise<InboxSummary> =>
  await (await fetch(`${server.url}/api/v1/users/me/inbox/summary?user=${user}${filters}`)).json() as InboxSummary;
const publish = (title: string, fields: Record<string, unknown> = {}): Promise<number> => server.publish({ ...("topic" in fields || "group" in fields ? {} : { user }), title, ...fields });
const item = (page: Page, what: string, title: string): Locator => page.getByRole("button", { name: new RegExp(`^${what} .*${title}$`) });
const listed = (page: Page, ...expected: string[]): Promise<unknown> => eventually(`${expected.join()} are listed`, async () => (await titlesOf(page)).join() === expected.join())
  .catch(async error => { throw new Error(`listed are ${(await titlesOf(page)).join()}`, { cause: error }); });
const empty = (page: Page): Promise<void> => page.locator("notify-inbox .badge").waitFor({ state: "detached" });

async function call(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await fetch(`${server.url}/api/v1${path}`, { method, headers: { "Content-Type": "application/json" }, ...(body ? { body: JSON.stringify(body) } : {}) });
  if (!answer.ok) throw new Error(await answer.text());
}

describe("with the real service", () => {
  it("marks seen, read and unread, archives and undoes, and reads all; the focus goes on and comes back", async () => {
    for (const title of ["Export ready", "Order 42 paid", "Disk almost full"]) await publish(title);
    const page = await open();
    await badgeOf(page, "3");
    expect(await summary()).toMatchObject({ unread: 3, unseen: 3 });
    await bellOf(page).click();
    await listed(page, "Unread Disk almost full", "Unread Order 42 paid", "Unread Export ready");
    await eventually("seen", async () => (await summary()).unseen === 0);

    await item(page, "Mark as read", "Disk almost full").click();
    await badgeOf(page, "2");
    await item(page, "Mark as unread", "Disk almost full").click();
    await badgeOf(page, "3");
    expect(await summary()).toMatchObject({ unread: 3, unseen: 0 });
    await item(page, "Archive", "Disk almost full").press("Enter");
    await badgeOf(page, "2");
    await listed(page, "Unread Order 42 paid", "Unread Export ready");
    expect(await focusedOf(page)).toBe(await articlesOf(page).first().getAttribute("data-version"));
    await page.screenshot({ path: picture("undo") });
    await page.getByRole("button", { name: "Undo" }).click();
    await listed(page, "Disk almost full", "Unread Order 42 paid", "Unread Export ready"); // archived is read
    expect(await page.getByText("Archived").count()).toBe(0);

    const late = await publish("After all"); // is on the list before the button is pressed, so it is read too
    await listed(page, "Unread After all", "Disk almost full", "Unread Order 42 paid", "Unread Export ready");
    await page.getByRole("button", { name: "Mark all as read" }).click();
    await empty(page);
    expect(await summary()).toMatchObject({ unread: 0, unseen: 0 });
    await publish("New again");
    await badgeOf(page, "1");
    await listed(page, "Unread New again", "After all", "Disk almost full", "Order 42 paid", "Export ready");
    expect(late).toBeGreaterThan(0);
    await page.getByRole("button", { name: "Close" }).press("Escape");
    expect(await focusedOf(page)).toBe("bell");
    await page.close();
  });

  it("has tabs by filter with counts of their own, for arrow keys, and one for what is archived", async () => {
    await call("PUT", "/groups/ops");
    await call("PUT", `/groups/ops/members/${user}`);
    await call("POST", `/users/me/subscriptions?user=${user}`, { topics: ["orders/#"] });
    await publish("Yours");
    await publish("Order 42", { topic: "orders/42", link: "https://shop.example/orders/42" });
    await publish("Deploy at noon", { group: "ops", priority: "urgent" });
    await publish("Not for you", { topic: "other/1" });
    const page = await open(context, "/tabs");
    await bellOf(page).click();
    await listed(page, "Unread Deploy at noon", "Unread Order 42", "Unread Yours");
    for (const name of ["Orders (1)", "Ops (1)", "Mine (1)"]) await page.getByRole("tab", { name }).waitFor();
    await page.getByRole("tab", { name: "All" }).press("ArrowRight");
    expect(await focusedOf(page)).toBe("tab1");
    await listed(page, "Unread Order 42");
    await publish("Order 43", { topic: "orders/43" });
    await page.getByRole("tab", { name: "Orders (2)" }).waitFor();
    await listed(page, "Unread Order 43", "Unread Order 42");
    await item(page, "Archive", "Order 43").click();
    await page.getByRole("tab", { name: "Orders (1)" }).waitFor();
    await page.getByRole("button", { name: "Mark all as read" }).click(); // of this tab
    await badgeOf(page, "2");
    await page.screenshot({ path: picture("tabs") });
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("tab", { name: "Orders" }).press("ArrowRight");
    await listed(page, "Unread Deploy at noon");
    await page.getByRole("tab", { name: "Ops (1)" }).press("End");
    await listed(page, "Order 43");
    await item(page, "Move back", "Order 43").click();
    await page.getByText("Nothing here").waitFor();
    await page.getByRole("tab", { name: "Archived" }).press("Home");
    await listed(page, "Order 43", "Unread Deploy at noon", "Order 42", "Unread Yours");
    expect(await summary("&filter=orders/%23&filter=$group/ops")).toMatchObject({ unread: 2, filters: [{ unread: 0 }, { unread: 1 }] });
    await page.close();
  });

  it("is in step with another tab and another device, by what the service says alone", async () => {
    for (const title of ["One", "Two", "Three"]) await publish(title);
    const phone = await newDevice();
    const pages = [await open(), await open(), await open(phone)] as const, [laptop, tab, device] = pages;
    for (const page of pages) {
      await badgeOf(page, "3");
      await bellOf(page).click();
      await articlesOf(page).nth(2).waitFor();
    }
    await item(laptop, "Mark as read", "Two").click();
    for (const page of pages) await badgeOf(page, "2");
    for (const page of pages) await listed(page, "Unread Three", "Two", "Unread One");
    await articlesOf(tab).nth(1).focus();
    await item(device, "Archive", "Two").click();
    for (const page of pages) await listed(page, "Unread Three", "Unread One");
    expect(await focusedOf(tab)).toBe(await articlesOf(tab).nth(1).getAttribute("data-version")); // what had it is gone: the next one
    // Marks and arrivals from everywhere at once.
    await Promise.all([
      item(laptop, "Mark as read", "One").click(), item(device, "Mark as read", "Three").click(),
      ...Array.from({ length: 10 }, (_, i) => publish(`More ${i}`)),
    ]);
    for (const page of pages) await badgeOf(page, "10");
    await tab.getByRole("button", { name: "Mark all as read" }).click();
    for (const page of pages) await empty(page);
    await publish("Last");
    for (const page of pages) {
      await badgeOf(page, "1");
      await eventually("all are listed", async () => (await titlesOf(page)).length === 13);
    }
    // Of one version of the log there is one count, and a page never goes back.
    const counts = new Map<number, number>();
    for (const page of pages) {
      let before = 0;
      for (const { rev, unread } of await toldTo(page)) {
        expect(rev).toBeGreaterThanOrEqual(before);
        before = rev;
        expect(counts.get(rev) ?? unread).toBe(unread);
        counts.set(rev, unread);
      }
    }
    for (const page of pages) await page.close();
    await phone.close();
  });

  it("pages while new ones arrive, without a gap or a repeat, and says where the end is", async () => {
    await server.publishMany(95, i => ({ user, title: `Title ${i}` }));
    const page = await open();
    const panel = page.locator("notify-inbox [role=tabpanel]");
    const down = (): Promise<void> => panel.evaluate(element => element.scrollTo(0, element.scrollHeight));
    await bellOf(page).click();
    await articlesOf(page).first().waitFor();
    expect(await articlesOf(page).first().getAttribute("aria-setsize")).toBe("-1");
    for (let i = 0; i < 8; i++) {
      await Promise.all([publish(`New ${i}`), down()]);
      await publish(`Newer ${i}`);
    }
    await eventually("the end", async () => {
      await down();
      return page.getByText("That is all").isVisible();
    });
    await eventually("all of them", async () => await articlesOf(page).count() === 95 + 16);
    const all = await (await fetch(`${server.url}/api/v1/users/me/inbox?user=${user}&limit=1000`)).json() as { items: { notification: { version: number } }[] };
    const versions = await articlesOf(page).evaluateAll(articles => articles.map(a => Number(a.getAttribute("data-version"))));
    expect(versions).toEqual(all.items.map(({ notification }) => notification.version));
    expect(await articlesOf(page).last().getAttribute("aria-setsize")).toBe("111");
    expect(await articlesOf(page).last().getAttribute("aria-posinset")).toBe("111");
    await page.getByText("That is all").scrollIntoViewIfNeeded();
    await page.screenshot({ path: picture("end") });
    await page.close();
  });

  it("says when it is offline and is right when it is back, also after the server was killed", async () => {
    await publish("One");
    const phone = await newDevice();
    const page = await open(), device = await open(phone);
    await bellOf(page).click();
    await listed(page, "Unread One");
    await context.setOffline(true);
    await page.getByText("Offline.").waitFor();
    await publish("Two");
    await badgeOf(device, "2");
    await bellOf(device).click();
    await item(device, "Archive", "One").click();
    await badgeOf(device, "1");
    expect(await titlesOf(page)).toEqual(["Unread One"]);
    await context.setOffline(false);
    await listed(page, "Unread Two");
    await badgeOf(page, "1");
    expect(await page.getByText("Offline.").count()).toBe(0);

    await server.stop("SIGKILL");
    for (const one of [page, device]) await one.getByText("Offline.").waitFor();
    await item(page, "Mark as read", "Two").click();
    await page.getByRole("alert").waitFor(); // tried for a while, then taken back
    await listed(page, "Unread Two");
    await server.start();
    for (const one of [page, device]) await one.evaluate(() => dispatchEvent(new Event("online"))); // it would come by itself, in up to 10 s
    await page.getByRole("alert").waitFor({ state: "detached" });
    await item(page, "Mark as read", "Two").click();
    for (const one of [page, device]) await empty(one);
    await publish("Three");
    for (const one of [page, device]) await badgeOf(one, "1");
    await listed(page, "Unread Three", "Two");
    expect(await page.getByText("Offline.").count()).toBe(0);
    for (const one of [page, device]) await one.close();
    await phone.close();
  });

  it("does not grow with what arrives, with the panel open", async () => {
    const page = await open();
    await bellOf(page).click();
    await page.getByText("Nothing here").waitFor();
    const arrive = async (many: number): Promise<void> => {
      for (let i = 0; i < many; i += 1000) await server.publishMany(1000, k => ({ user, title: "One of many", body: `${"x".repeat(200)}${k}` }));
      const last = await publish("The last");
      await eventually("the last one", async () => (await articlesOf(page).first().getAttribute("data-version")) === `${last}`);
    };
    const heap = (): Promise<number> => page.evaluate(() => {
      (window as unknown as { gc(): void }).gc();
      (window as unknown as Told).told.length = 0;
      return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
    });
    await arrive(1_000);
    await heap();
    const before = await heap();
    await arrive(10_000);
    await heap();
    const grown = await heap() - before;
    console.log(`${(grown / 1024).toFixed(0)} KB more heap after 10,000 arrivals, ${await articlesOf(page).count()} listed`);
    expect(grown).toBeLessThan(1_500_000); // kept, they would be 5 MB
    await page.close();
  });
});
