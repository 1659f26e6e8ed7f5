import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../fixtures.js";
import { axeFindings, complaintsOf, launch, picture } from "./browser.js";
import { InboxDouble } from "./double.js";
import { articlesOf, badgeOf, bellOf, focusedOf, html, plain, titlesOf } from "./inboxPage.js";

// What a real service is not brought to at will: answers that are late, refused or held back, times long ago, links that it would
// not take. What it does by itself is in inboxService.test.ts.

let browser: Browser, context: BrowserContext, service: InboxDouble, page: Page, complaints: string[];

beforeAll(async () => { browser = await launch(); });
afterAll(async () => { await browser?.close(); });

beforeEach(async () => {
  service = new InboxDouble();
  await service.start();
  service.pages.set("/", html(plain));
  context = await browser.newContext({ viewport: { width: 900, height: 760 }, reducedMotion: "reduce" });
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  complaints = complaintsOf(page);
});

afterEach(async () => {
  await context.close();
  service.stop();
  expect(complaints).toEqual([]); // the policy without unsafe-inline and with Trusted Types, too
});

const bell = (of = page): Locator => bellOf(of);
const articles = (of = page): Locator => articlesOf(of);
const titles = (of = page): Promise<string[]> => titlesOf(of);
const badge = (text: string, of = page): Promise<void> => badgeOf(of, text);
const focused = (of = page): Promise<string | null> => focusedOf(of);

describe("the bell", () => {
  it("says how many are unread, at most 99+, and how many have arrived", async () => {
    await page.goto(service.url);
    await bell().waitFor();
    expect(await bell().getAttribute("aria-label")).toBe("Notifications");
    expect(await page.locator("notify-inbox .badge").count()).toBe(0);
    await eventually("connected", () => service.requests.length > 0);
    service.add();
    await badge("1");
    expect(await bell().getAttribute("aria-label")).toBe("Notifications, 1 unread");
    for (let i = 0; i < 99; i++) service.add({}, false);
    service.tell();
    await badge("99+");
    expect(await bell().getAttribute("aria-label")).toBe("Notifications, 99+ unread");
    expect(await page.locator("notify-inbox [role=status]").first().innerText()).toBe("99 new notifications");
    await page.screenshot({ path: picture("bell"), clip: { x: 0, y: 0, width: 300, height: 140 } });
    expect(await axeFindings(page)).toEqual([]);
  });

  it("does not count by itself: a late answer with a lower rev changes nothing", async () => {
    service.add();
    service.add();
    await page.goto(service.url);
    await badge("2");
    let release!: () => void;
    service.hold = new Promise(done => { release = done; });
    await bell().click(); // its list is on its way, with two unread
    service.mark("read", [1]);
    await badge("1");
    release();
    await articles().first().waitFor();
    await badge("1");
  });
});

describe("the panel", () => {
  const fill = (): void => {
    service.add({ title: "Your export is ready", body: "412 rows, kept for a week", link: "/exports/7", publishedAt: new Date(Date.now() - 86_400_000 * 3).toISOString() }, false);
    service.mark("read", [1]);
    service.add({ title: "Order 42 paid", body: "Two items, to be sent today", topic: "orders/42", link: "https://shop.example/orders/42", publishedAt: new Date(Date.now() - 7_300_000).toISOString() });
    service.add({ title: "Disk almost full", body: "db-1: 94 %", priority: "urgent", topic: "ops/disk" });
    service.add({ title: "<img src=x onerror=alert(1)>", body: "not markup", link: "javascript:alert(1)" });
  };

  it("lists newest first with unread marks, times, and links that are safe to open", async () => {
    fill();
    await page.goto(service.url);
    await bell().click();
    await articles().first().waitFor();
    expect(await titles()).toEqual(["Unread <img src=x onerror=alert(1)>", "Unread Disk almost full", "Unread Order 42 paid", "Your export is ready"]);
    expect(await page.locator("notify-inbox img").count()).toBe(0);
    const links = await page.locator("notify-inbox a").evaluateAll(all => all.map(a => [a.getAttribute("href"), a.getAttribute("rel"), a.getAttribute("target")]));
    expect(links).toEqual([["https://shop.example/orders/42", "noopener noreferrer", "_blank"], [`${service.url}/exports/7`, "noopener noreferrer", null]]);
    const time = page.locator("notify-inbox time").nth(2);
    expect(await time.innerText()).toBe("2 hours ago");
    expect(await time.getAttribute("title")).toMatch(/\d{4}/);
    await page.getByText("That is all").waitFor();
    await eventually("seen", () => service.summary().unseen === 0 && service.summary().unread === 3);
    await page.screenshot({ path: picture("list-light") });
    expect(await axeFindings(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: picture("list-dark") });
    expect(await axeFindings(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: "light", forcedColors: "active" });
    await page.screenshot({ path: picture("list-forced-colors") });
    expect(await axeFindings(page)).toEqual([]);
    await page.emulateMedia({ forcedColors: "none" });
    await page.setViewportSize({ width: 360, height: 640 });
    await page.screenshot({ path: picture("list-phone") });
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  });

  it("marks all as read up to what is shown, and not what has arrived since", async () => {
    service.add();
    await page.goto(service.url);
    await bell().click();
    await articles().first().waitFor();
    await eventually("seen", () => service.summary().unseen === 0);
    let release!: () => void;
    service.holdLists = new Promise(done => { release = done; }); // what has arrived is not shown, although the page may be told of it
    service.add({}, false);
    await page.getByRole("button", { name: "Mark all as read" }).click();
    await eventually("the one that is shown is read", () => service.summary().unread === 1);
    release();
    await badge("1");
    expect(service.summary().unread).toBe(1);
  });

  it("keeps the counts of the other tabs when one is marked as read, whose answer counts that one alone", async () => {
    fill();
    service.pages.set("/", html(`<notify-inbox align="start" tabs='[{"label":"All"},{"label":"Orders","filter":"orders/#"},{"label":"Ops","filter":"ops/#"}]'></notify-inbox>`));
    await page.goto(service.url);
    await bell().click();
    await page.getByRole("tab", { name: "Ops (1)" }).waitFor();
    await page.getByRole("tab", { name: "Orders (1)" }).click();
    await eventually("orders", async () => (await titles()).join() === "Unread Order 42 paid");
    await eventually("seen", () => service.summary().unseen === 0);
    await page.getByRole("button", { name: "Mark all as read" }).click();
    await badge("2");
    await page.getByRole("tab", { name: "Orders", exact: true }).waitFor();
    await page.waitForTimeout(200); // the signal has come as well
    await page.getByRole("tab", { name: "Ops (1)" }).waitFor({ timeout: 3_000 });
  });

  it("takes a mark back when it is refused, and says why", async () => {
    service.add();
    await page.goto(service.url);
    await bell().click();
    await articles().first().waitFor();
    await eventually("seen", () => service.summary().unseen === 0);
    service.refused = /^POST/;
    await page.getByRole("button", { name: /Mark as read/ }).click();
    await page.getByRole("alert").getByText("Not allowed today.").waitFor();
    await page.getByRole("button", { name: /Mark as read/ }).waitFor();
    service.add({ title: "Latest" }); // a list that is read does not take the reason away
    await eventually("both are shown", async () => await articles().count() === 2);
    expect(await page.getByRole("alert").innerText()).toContain("Not allowed today.");
    service.refused = undefined;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await eventually("the one of the mark is read", async () => (await titles()).join() === "Unread Latest,Title 1");
  });

  it("offers nothing to undo when an item could not be archived", async () => {
    service.add();
    await page.goto(service.url);
    await bell().click();
    await articles().first().waitFor();
    service.refused = /^POST \/archive/;
    await page.getByRole("button", { name: /Archive/ }).click();
    await page.getByRole("alert").getByText("Not allowed today.").waitFor();
    expect(await articles().count()).toBe(1);
    await page.getByText("Undo").waitFor({ state: "detached" });
  });

  it("shows that it is loading, empty, failed or offline", async () => {
    let release!: () => void;
    service.hold = new Promise(done => { release = done; });
    await page.goto(service.url);
    await bell().click();
    await page.getByText("Loading").waitFor();
    await page.screenshot({ path: picture("loading") });
    release();
    await page.getByText("Nothing here").waitFor();
    await page.screenshot({ path: picture("empty") });
    expect(await axeFindings(page)).toEqual([]);
    service.refused = /^GET/;
    service.add();
    await page.getByRole("alert").getByText("Not allowed today.").waitFor();
    await page.screenshot({ path: picture("error") });
    expect(await axeFindings(page)).toEqual([]);
    service.refused = undefined;
    await page.getByRole("button", { name: "Try again" }).click();
    await articles().first().waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    service.down = true;
    service.cut();
    await page.getByText("Offline.").waitFor();
    await page.screenshot({ path: picture("offline") });
    expect(await axeFindings(page)).toEqual([]);
    service.add();
    service.down = false;
    await eventually("back", async () => await articles().count() === 2);
    expect(await page.getByText("Offline.").count()).toBe(0);
  });

  it("is a feed for the keyboard", async () => {
    for (let i = 0; i < 30; i++) service.add({ link: "/x" }, false);
    await page.goto(service.url);
    await bell().press("Enter");
    expect(await focused()).toBe("close");
    await articles().first().waitFor();
    await articles().first().focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("PageDown");
    expect(await focused()).toBe("27");
    await page.keyboard.press("PageUp");
    expect(await focused()).toBe("28");
    await page.keyboard.press("Tab"); // to what is in it
    await page.keyboard.press("PageDown");
    expect(await focused()).toBe("27");
    service.add({ title: "Latest" }); // arrives above; the focus stays
    await eventually("arrived", async () => (await titles())[0] === "Unread Latest");
    expect(await focused()).toBe("27");
    await page.keyboard.press("Control+End"); // to "Show more", which loads and goes; the focus goes to what came
    await eventually("more", async () => await articles().count() === 31);
    expect(await focused()).toBe(await articles().nth(21).getAttribute("data-version"));
    await page.keyboard.press("Control+Home");
    expect(await focused()).toBe("close");
    await page.keyboard.press("Escape");
    expect(await focused()).toBe("bell");
  });

  it("closes when something else is clicked, and says so to the page", async () => {
    await page.goto(service.url);
    await bell().click();
    await page.getByRole("dialog").waitFor();
    await page.locator("#after").click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.locator("notify-inbox").getAttribute("open")).toBeNull();
  });
});

describe("as the page likes it", () => {
  it("in another language, from right to left, with other colours", async () => {
    service.add({ title: "تم دفع الطلب 42", body: "قطعتان" });
    service.pages.set("/theme.css", "");
    service.pages.set("/", html('<notify-inbox align="start"></notify-inbox>', 'lang="ar" dir="rtl"', '<script type="module" src="/page.js"></script>'));
    await page.goto(service.url);
    await page.locator("notify-inbox").evaluate(element => {
      Object.assign(element, { texts: { heading: "الإشعارات", bell: (count: string) => `الإشعارات، ${count} غير مقروءة`, allRead: "تعليم الكل كمقروء", archive: "أرشفة", markRead: "مقروء", unread: "غير مقروء", close: "إغلاق", end: "هذا كل شيء" } });
      (element as HTMLElement).style.setProperty("--notify-accent", "rgb(0, 90, 60)");
    });
    await page.getByRole("button", { name: "الإشعارات، 1 غير مقروءة" }).click();
    await articles().first().waitFor();
    expect(await page.locator("notify-inbox time").innerText()).toMatch(/[\u0600-\u06ff]/);
    expect(await page.locator("notify-inbox .dot").evaluate(dot => getComputedStyle(dot).backgroundColor)).toBe("rgb(0, 90, 60)");
    const [dot, title] = [await page.locator("notify-inbox .dot").boundingBox(), await page.locator("notify-inbox h3").boundingBox()];
    expect(dot!.x).toBeGreaterThan(title!.x + title!.width - 1);
    await page.screenshot({ path: picture("right-to-left") });
    expect(await axeFindings(page)).toEqual([]);
  });

  it("says when a link is followed, and lets the page do something else", async () => {
    service.add({ link: "/elsewhere" });
    await page.goto(service.url);
    await page.locator("notify-inbox").evaluate(element => element.addEventListener("notify-open", event => {
      event.preventDefault();
      document.title = (event as CustomEvent<{ notification: { link: string } }>).detail.notification.link;
    }));
    await bell().click();
    await page.getByRole("link").click();
    await eventually("told", async () => await page.title() === "/elsewhere");
    expect(new URL(page.url()).pathname).toBe("/");
    await eventually("read", () => service.summary().unread === 0);
  });

  it("leaves nothing connected when it is taken out, and connects when it is put back", async () => {
    service.add();
    await page.goto(service.url);
    await badge("1");
    await page.evaluate(() => {
      const element = document.querySelector("notify-inbox")!;
      (window as unknown as { kept: Element }).kept = element;
      element.remove();
    });
    await page.evaluate(() => document.querySelector("main")!.append((window as unknown as { kept: Element }).kept));
    service.add();
    await badge("2")
  });
});
