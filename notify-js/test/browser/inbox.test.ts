import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../fixtures.js";
import { axeFindings, complaintsOf, launch, picture } from "./browser.js";
import { InboxDouble } from "./double.js";

let browser: Browser, context: BrowserContext, service: InboxDouble, page: Page, complaints: string[];

const html = (body: string, attributes = 'lang="en"', head = ""): string => `<!doctype html>
<html ${attributes}><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Shop</title>
<link rel="icon" href="data:,">${head}<script type="module" src="/notify-inbox.js"></script></head>
<body><main><h1>Shop</h1><button id="before">Before</button>${body}<button id="after">After</button></main></body></html>`;
const plain = '<notify-inbox user="alice" align="start"></notify-inbox>';

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

const bell = (of = page) => of.getByRole("button", { name: /^Notifications/ });
const articles = (of = page) => of.getByRole("article");
const titles = (of = page): Promise<string[]> => of.locator("notify-inbox article").evaluateAll(all => all.map(a => (a.getAttribute("aria-labelledby")!.split(" ")
  .map(id => (a.getRootNode() as ShadowRoot).getElementById(id)?.textContent ?? "").join(" ")).trim()));
const badge = (text: string, of = page): Promise<void> => of.locator("notify-inbox .badge", { hasText: new RegExp(`^${text.replace("+", "\\+")}$`) }).waitFor();
const focused = (of = page): Promise<string | null> => of.evaluate(() => {
  const element = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement;
  return element?.getAttribute("data-version") ?? element?.getAttribute("data-focus") ?? element?.id ?? null;
});

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

  it("marks read and unread, archives and undoes; the focus goes on and comes back", async () => {
    fill();
    await page.goto(service.url);
    await bell().click();
    await articles().first().waitFor();
    await page.getByRole("button", { name: "Mark as read Disk almost full" }).click();
    await badge("2");
    await page.getByRole("button", { name: "Mark as unread Disk almost full" }).click();
    await badge("3");
    await page.getByRole("button", { name: /^Archive .*Disk almost full/ }).press("Enter");
    await eventually("archived", () => service.summary().unread === 2);
    expect(await focused()).toBe("3"); // the next one
    await page.getByText("Archived").waitFor();
    await page.screenshot({ path: picture("undo") });
    await page.getByRole("button", { name: "Undo" }).click();
    await eventually("back", async () => (await titles()).includes("Disk almost full"));
    expect(await page.getByText("Archived").count()).toBe(0);
    await page.getByRole("button", { name: "Mark all as read" }).click();
    await page.locator("notify-inbox .badge").waitFor({ state: "detached" });
    expect(service.summary().unread).toBe(0);
    await page.locator("notify-inbox .dot").first().waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Close" }).press("Escape");
    expect(await focused()).toBe("bell");
    expect(await page.getByRole("dialog").count()).toBe(0);
  });

  it("marks all as read up to what is shown, and not what has arrived since", async () => {
    service.add();
    await page.goto(service.url);
    await bell().click();
    await articles().first().waitFor();
    await eventually("seen", () => service.summary().unseen === 0);
    service.add({}, false); // nobody has told the page yet
    await page.getByRole("button", { name: "Mark all as read" }).click();
    await badge("1");
    expect(service.summary().unread).toBe(1);
  });

  it("takes a mark back when it is refused, and says why", async () => {
    service.add();
    await page.goto(service.url);
    await bell().click();
    await articles().first().waitFor();
    await eventually("seen", () => service.summary().unseen === 0);
    service.fail = 1;
    await page.getByRole("button", { name: /Mark as read/ }).click();
    await page.getByRole("alert").getByText("Not allowed today.").waitFor();
    await page.getByRole("button", { name: /Mark as read/ }).waitFor();
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
    service.fail = 1;
    service.add();
    await page.getByRole("alert").getByText("Not allowed today.").waitFor();
    await page.screenshot({ path: picture("error") });
    expect(await axeFindings(page)).toEqual([]);
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

  it("has tabs by filter, with their own counts, for arrow keys", async () => {
    fill();
    service.pages.set("/", html(`<notify-inbox align="start" tabs='[{"label":"All"},{"label":"Orders","filter":"orders/#"},{"label":"Mine","filter":"$user/me"},{"label":"Archived","state":"archived"}]'></notify-inbox>`));
    await page.goto(service.url);
    await bell().click();
    await page.getByRole("tab", { name: "Orders (1)" }).waitFor();
    await page.getByRole("tab", { name: "All" }).press("ArrowRight");
    expect(await focused()).toBe("tab1");
    await eventually("orders", async () => (await titles()).join() === "Unread Order 42 paid");
    service.add({ topic: "orders/43", title: "Order 43" });
    await page.getByRole("tab", { name: "Orders (2)" }).waitFor();
    await eventually("both", async () => (await titles()).length === 2);
    await page.getByRole("button", { name: /^Archive .*Order 43/ }).click();
    await page.getByRole("tab", { name: "Orders (1)" }).press("End");
    await eventually("archived", async () => (await titles()).join() === "Order 43");
    await page.screenshot({ path: picture("tabs") });
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("button", { name: /Move back/ }).click();
    await page.getByText("Nothing here").waitFor();
  });

  it("pages while new ones arrive, without a gap or a repeat, and says where the end is", async () => {
    for (let i = 0; i < 95; i++) service.add({}, false);
    await page.goto(service.url);
    await bell().click();
    await articles().first().waitFor();
    expect(await articles().first().getAttribute("aria-setsize")).toBe("-1");
    for (let i = 0; i < 8; i++) {
      service.add();
      await page.locator("notify-inbox [role=tabpanel]").evaluate(panel => panel.scrollTo(0, panel.scrollHeight));
      await page.waitForTimeout(50);
      service.add();
    }
    await eventually("the end", async () => {
      await page.locator("notify-inbox [role=tabpanel]").evaluate(panel => panel.scrollTo(0, panel.scrollHeight));
      return page.getByText("That is all").isVisible();
    });
    await eventually("all of them", async () => await articles().count() === service.summary().unread);
    const versions = await articles().evaluateAll(all => all.map(a => Number(a.getAttribute("data-version"))));
    expect(versions).toEqual(service.versions);
    expect(versions).toHaveLength(95 + 16);
    expect(await articles().last().getAttribute("aria-setsize")).toBe("111");
    expect(await articles().last().getAttribute("aria-posinset")).toBe("111");
    await page.locator("notify-inbox [role=tabpanel]").evaluate(panel => panel.scrollTo(0, panel.scrollHeight));
    await page.getByText("That is all").scrollIntoViewIfNeeded();
    await page.screenshot({ path: picture("end") });
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

describe("in step", () => {
  it("with another tab and another device, by what the service says alone", async () => {
    for (let i = 0; i < 3; i++) service.add({}, false);
    const other = await context.newPage();
    const device = await (await browser.newContext()).newPage();
    for (const one of [page, other, device]) {
      await one.goto(service.url);
      await badge("3", one);
      await bell(one).click();
      await articles(one).first().waitFor();
    }
    await page.getByRole("button", { name: /^Archive .*Title 2/ }).click();
    for (const one of [other, device]) await eventually("two", async () => (await titles(one)).length === 2);
    await articles(other).first().focus();
    await device.getByRole("button", { name: /^Archive .*Title 3/ }).click();
    await eventually("the focus is on the next one", async () => await focused(other) === "1");
    service.mark("unarchive", [3]);
    for (const one of [page, other, device]) await eventually("two again", async () => (await titles(one)).length === 2);
    await device.getByRole("button", { name: "Mark all as read" }).click();
    for (const one of [page, other, device]) await one.locator("notify-inbox .badge").waitFor({ state: "detached" });
    service.add();
    for (const one of [page, other, device]) {
      await badge("1", one);
      await eventually("three", async () => (await titles(one)).length === 3);
    }
    await device.context().close();
  });
});

describe("for a long time", () => {
  it("does not grow with what arrives, with the panel open", async () => {
    await page.goto(service.url);
    await bell().click();
    await page.getByText("Nothing here").waitFor();
    const arrive = async (count: number): Promise<void> => {
      for (let i = 0; i < count / 100; i++) {
        for (let k = 0; k < 100; k++) service.add({ title: "One of many", body: "x".repeat(200) }, false);
        service.tell();
        await page.waitForTimeout(20);
      }
      const top = service.versions[0];
      await eventually("the last one", async () => (await articles().first().getAttribute("data-version")) === `${top}`);
    };
    const heap = (): Promise<number> => page.evaluate(() => {
      (window as unknown as { gc(): void }).gc();
      return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
    });
    await arrive(1_000);
    await heap();
    const before = await heap();
    await arrive(10_000);
    await heap();
    const grown = await heap() - before;
    console.log(`${(grown / 1024).toFixed(0)} KB more heap after 10,000 arrivals, ${await articles().count()} listed`);
    expect(grown).toBeLessThan(1_500_000); // kept, they would be 5 MB
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
