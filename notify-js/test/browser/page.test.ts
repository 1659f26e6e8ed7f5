import { execFileSync } from "node:child_process";
import type { Browser, BrowserContext, Frame, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Server, eventually, longForm, startNginx } from "../fixtures.js";
import { axeFindings, complaintsOf, launch, pagePicture } from "./browser.js";

// The front page, as the service serves it in Development. Each test is a browser of its own on the one service.
let browser: Browser, context: BrowserContext, server: Server;
beforeAll(async () => { [browser, server] = await Promise.all([launch(), Server.start()]); });
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});
afterEach(async () => { await context.close(); });

interface FrontPage { page: Page; laptop: Frame; phone: Frame; bob: Frame; all: readonly [Frame, Frame, Frame]; complaints: string[] }

async function open(url = server.url, more: Parameters<Browser["newContext"]>[0] = {}): Promise<FrontPage> {
  context = await browser.newContext({ viewport: { width: 1440, height: 960 }, reducedMotion: "reduce", ...more });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints = complaintsOf(page);
  await page.goto(url);
  return { complaints, ...await found(page) };
}

async function found(page: Page): Promise<Omit<FrontPage, "complaints">> {
  const frame = (device: string): Promise<Frame> => eventually(`a frame for ${device}`, () => page.frames().find(one => one.url().includes(`device=${device}`)));
  const all = [await frame("laptop"), await frame("phone"), await frame("desk")] as const;
  return { page, laptop: all[0], phone: all[1], bob: all[2], all };
}

const state = (frame: Frame, name: string): Promise<void> => frame.locator(`#state[data-state="${name}"]`).waitFor();
const live = async (...frames: readonly Frame[]): Promise<void> => { for (const frame of frames) await state(frame, "live"); };
const versions = (frame: Frame): Promise<string[]> => frame.locator("#list .meta span:first-child").allInnerTexts();
const badge = (frame: Frame, count: number): Promise<void> => count
  ? frame.locator("notify-inbox .badge", { hasText: new RegExp(`^${count}$`) }).waitFor() : frame.locator("notify-inbox .badge").waitFor({ state: "detached" });
const button = (page: Page, name: string): Promise<void> => page.getByRole("button", { name, exact: true }).click();
const stored = async (page: Page): Promise<number> => Number(/version (\d+)/.exec(await page.locator("#published").innerText())![1]);

async function publish({ page }: FrontPage, to: "topic" | "user" | "group", address: string, title: string): Promise<void> {
  await page.getByRole("radio", { name: to }).check({ force: true });
  await page.locator("[name=address]").fill(address);
  await page.getByLabel("Title").fill(title);
  const before = await page.locator("#published").innerText();
  await button(page, "Publish");
  await eventually("it is stored", async () => { const said = await page.locator("#published").innerText(); return said !== before && said.startsWith("Stored"); });
}

/** Holds the next change of this kind until the one after it was answered, or for a second when none is sent meanwhile. */
async function overtaken(page: Page, method: string): Promise<void> {
  let second!: () => void;
  const later = new Promise<void>(done => { second = done; });
  let changes = 0;
  await page.route("**/api/v1/**", async route => {
    if (route.request().method() !== method) return route.fallback();
    if (changes++ === 0) await Promise.race([later, new Promise(done => setTimeout(done, 1_000))]);
    await route.fulfill({ response: await route.fetch() });
    if (changes > 1) second();
  });
}

describe("the front page", () => {
  it("publishes, in a shell too; replays what a client missed; the badge follows on the other device", async () => {
    const front = await open(), { page, laptop, phone, bob, all, complaints } = front;
    await live(...all);
    expect(await page.title()).toBe("Notify");
    await page.screenshot({ path: pagePicture("first") });
    await publish(front, "topic", "orders/eu/42", `It's "paid" <img src=x onerror=alert(1)>`);
    for (const one of [laptop, phone]) {
      await one.getByText(`It's "paid" <img src=x onerror=alert(1)>`).waitFor();
      await badge(one, 1);
      expect(await one.locator("#list img").count()).toBe(0);
    }
    await page.locator("#here", { hasText: /^Following now: alice$/ }).waitFor();
    // What the page shows for a shell does the same.
    await page.getByText("Data, link, priority").click();
    await page.getByLabel("Data, as JSON").fill('{ "total":');
    expect(await page.locator("#curl").innerText()).toBe("# Data is not JSON yet.");
    await page.getByLabel("Data, as JSON").fill('{ "total": 31.5 }');
    await page.getByLabel("Priority").selectOption("high");
    const command = await page.locator("#curl").innerText();
    const answer = JSON.parse(execFileSync("sh", ["-c", `${command} --silent`], { encoding: "utf8" })) as { version: number; id: string };
    await eventually("it has come", async () => (await versions(laptop))[0] === `v${answer.version}`);
    const kept = await (await fetch(`${server.url}/api/v1/notifications/${answer.id}`)).json() as Record<string, unknown>;
    expect(kept).toMatchObject({ topic: "orders/eu/42", title: `It's "paid" <img src=x onerror=alert(1)>`, data: { total: 31.5 }, priority: "high" });

    await phone.getByRole("button", { name: "Go offline" }).press("Enter");
    await state(phone, "closed");
    await page.getByLabel("Title").fill("While the phone was away");
    await button(page, "Publish three");
    await eventually("three are stored", async () => await stored(page) === answer.version + 3);
    await badge(laptop, 5);
    expect((await versions(phone))[0]).toBe(`v${answer.version}`);
    await page.screenshot({ path: pagePicture("offline") });
    await phone.getByRole("button", { name: "Go online" }).click();
    await phone.getByText(`3 replayed, v${answer.version + 1} → v${answer.version + 3}`).waitFor();
    await badge(phone, 5);
    expect(await versions(phone)).toEqual(await versions(laptop));
    expect(await phone.locator("#list em").count()).toBe(3);

    await laptop.getByRole("button", { name: /^Notifications/ }).click();
    await laptop.getByRole("button", { name: /^Mark as read/ }).first().click();
    for (const one of [laptop, phone]) await badge(one, 4);
    await page.screenshot({ path: pagePicture("inbox") });
    await laptop.getByRole("button", { name: "Mark all as read" }).click();
    for (const one of [laptop, phone]) await badge(one, 0);
    expect(await versions(bob)).toEqual([]);
    expect(await page.locator("#log li").count()).toBeGreaterThan(5);
    expect(complaints).toEqual([]);
  });

  it("shows a group to join and leave, and a rule that moves people", async () => {
    const front = await open(), { page, laptop, phone, bob, all, complaints } = front;
    await live(...all);
    await button(page, "Alice: join team");
    for (const one of [laptop, phone]) await one.locator("#groups li", { hasText: "team" }).waitFor();
    await publish(front, "group", "team", "For the team");
    for (const one of [laptop, phone]) await one.getByText("For the team").waitFor();
    await button(page, "Alice: leave team");
    await button(page, "Bob: join team");
    await bob.locator("#groups li", { hasText: "team" }).waitFor();
    await publish(front, "group", "team", "For Bob alone");
    await bob.getByText("For Bob alone").waitFor();
    expect(await laptop.getByText("For Bob alone").count()).toBe(0);

    const member = async (name: string, is: string): Promise<void> => page.getByRole("row", { name }).locator("td:last-child", { hasText: is }).waitFor();
    await page.getByLabel("Rule").fill("@.self.status = 'on call'");
    await button(page, "Apply");
    await eventually("it is answered", async () => (await page.locator("#refused").innerText()) !== "");
    expect(await page.locator("#refused").innerText()).toMatch(/position \d+|character \d+|at \d+/);
    await page.getByLabel("Rule").fill("@.self.status == 'on call' && @.self.floor >= 2");
    await page.getByLabel("Rule").press("Enter");
    await eventually("it is taken", async () => (await page.locator("#refused").innerText()) === "");
    for (const name of ["Alice", "Bob"]) await member(name, "no");
    await overtaken(page, "PATCH");
    await page.getByLabel("Status of Bob").selectOption("on call");
    await page.getByLabel("Floor of Bob").fill("3");
    await page.getByLabel("Floor of Bob").press("Tab");
    await member("Bob", "yes");
    await bob.locator("#groups li", { hasText: "on-call" }).waitFor();
    await publish(front, "group", "on-call", "A lift is stuck");
    await bob.getByText("A lift is stuck").waitFor();
    await page.getByLabel("Rule").fill("@.self.floor < 2");
    await button(page, "Apply");
    await member("Bob", "no");
    await page.getByLabel("Floor of Alice").fill("0");
    await page.getByLabel("Floor of Alice").press("Tab");
    await member("Alice", "yes");
    for (const one of [laptop, phone]) await one.locator("#groups li", { hasText: "on-call" }).waitFor();
    await page.screenshot({ path: pagePicture("groups"), fullPage: true });
    expect(complaints).toEqual([]);
  });

  it("looks at its groups again when one look gets no answer and they change meanwhile", async () => {
    const { page, bob, all } = await open();
    await live(...all);
    const toggle = (name: string): Locator => page.getByRole("button", { name: new RegExp(`^${name}: (join|leave) team$`) });
    const label = async (name: string): Promise<string> => (await toggle(name).getAttribute("aria-label"))!;
    const other = (text: string): string => text.includes("join") ? text.replace("join", "leave") : text.replace("leave", "join");
    await page.waitForLoadState("networkidle"); // the first look is over
    const before = { Alice: await label("Alice"), Bob: await label("Bob") };

    let looks = 0, release!: () => void;
    const held = new Promise<void>(done => { release = done; });
    await page.route("**/api/v1/groups/team/members", async route => {
      if (looks++ > 0) return route.fallback();
      await held;
      await route.abort();
    });
    await toggle("Alice").click();
    await eventually("a look waits", () => looks === 1);
    await toggle("Bob").click();
    await bob.locator("#groups li", { hasText: "team" }).waitFor({ state: before.Bob.includes("join") ? "visible" : "detached" });
    release();
    for (const text of Object.values(before)) await page.getByRole("button", { name: other(text), exact: true }).waitFor();
  });

  it.runIf(longForm)("says so when the server is killed, comes back by itself, and survives a reload", async () => {
    const front = await open(), { page, laptop, phone, bob, all } = front;
    await live(...all);
    await publish(front, "user", "alice", "Before");
    await laptop.getByText("Before", { exact: true }).waitFor();
    await phone.getByRole("button", { name: "Go offline" }).click();
    await server.stop("SIGKILL");
    for (const one of [laptop, bob]) await one.locator("#state", { hasText: /^(retrying|connecting)/ }).waitFor();
    await page.locator("#log .lost", { hasText: "retrying" }).first().waitFor();
    await page.screenshot({ path: pagePicture("killed") });
    await server.start();
    await live(laptop, bob);
    await publish(front, "user", "alice", "After");
    await laptop.getByText("After", { exact: true }).waitFor();

    await page.reload();
    const again = await found(page);
    await live(again.laptop, again.bob);
    await state(again.phone, "closed");
    for (const text of ["Before", "After"]) await again.laptop.getByText(text, { exact: true }).waitFor();
    expect(await page.getByLabel("Title").inputValue()).toBe("After");
    expect(await page.getByRole("radio", { name: "user" }).isChecked()).toBe(true);
    await again.phone.getByRole("button", { name: "Go online" }).click();
    await again.phone.getByText(/^1 replayed, v\d+$/).waitFor();

    // Another tab of the same browser is other connections, and goes on beside this one.
    const tab = await context.newPage();
    await tab.goto(server.url);
    const beside = await found(tab);
    await live(...beside.all);
    await publish({ ...front, ...again }, "user", "alice", "In both tabs");
    for (const one of [again.laptop, again.phone, beside.laptop, beside.phone]) await one.getByText("In both tabs", { exact: true }).waitFor();
  });

  it("is usable by keyboard, on a phone, in light, dark and forced colours", async () => {
    const front = await open(), { page, all, complaints } = front;
    await live(...all);
    await publish(front, "topic", "ops/disk", "w".repeat(200));
    await publish(front, "user", "alice", "Something for the panel");
    const sound = async (): Promise<void> => { for (const one of [page, ...all]) expect(await axeFindings(one)).toEqual([]); };
    await sound();
    await page.emulateMedia({ colorScheme: "dark" });
    await all[0].getByRole("button", { name: /^Notifications/ }).click();
    await all[0].getByRole("article").first().waitFor();
    await page.screenshot({ path: pagePicture("dark") });
    await sound();
    await all[0].getByRole("button", { name: "Close" }).click();
    await page.emulateMedia({ colorScheme: "light", forcedColors: "active" });
    await page.screenshot({ path: pagePicture("forced-colors") });
    await page.emulateMedia({ forcedColors: "none" });
    await page.setViewportSize({ width: 360, height: 740 });
    for (const one of [page, ...all]) expect(await one.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await page.screenshot({ path: pagePicture("phone"), fullPage: true });
    await sound();

    await page.getByRole("radio", { name: "topic" }).focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("#address-label").innerText()).toBe("User");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("bob");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("By keyboard");
    await page.keyboard.press("Enter");
    await all[2].getByText("By keyboard").waitFor();
    expect(complaints).toEqual([]);
  });

  it("has the API reference beside it, and nothing from anywhere else", async () => {
    const asked: string[] = [];
    const { page, complaints } = await open(undefined, {});
    page.on("request", request => asked.push(request.url()));
    await page.getByRole("link", { name: "API reference" }).click();
    await page.getByRole("heading", { name: /Notify/ }).first().waitFor();
    await page.getByText("/api/v1/notifications").first().waitFor();
    await page.screenshot({ path: pagePicture("reference") });
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.filter(url => !url.startsWith(server.url) && !/^(data|blob):/.test(url))).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

describe.skipIf(!process.env["NOTIFY_POSTGRES"])("below a path, on two nodes behind nginx", () => {
  it.runIf(longForm)("works as elsewhere, and goes on when a node is killed", async () => {
    const settings = { "ConnectionStrings:Postgres": process.env["NOTIFY_POSTGRES"]! };
    const nodes = [await Server.start(settings), await Server.start(settings)];
    const nginx = await startNginx(nodes.map(node => node.port), "/below/here/");
    try {
      const front = await open(`${nginx.url}/`), { page, laptop, phone, all } = front;
      await live(...all);
      expect(await page.locator("#curl").innerText()).toContain(`${nginx.url}/api/v1/notifications`);
      await publish(front, "topic", "orders/1", "On both nodes");
      for (const one of [laptop, phone]) await one.getByText("On both nodes").waitFor();
      await nodes[0]!.stop("SIGKILL");
      await publish(front, "topic", "orders/2", "On the other one");
      await live(...all);
      for (const one of [laptop, phone]) await one.getByText("On the other one").waitFor();
      await page.getByRole("link", { name: "API reference" }).click();
      await page.getByText("/api/v1/notifications").first().waitFor();
    } finally {
      await nginx.stop();
      for (const node of nodes) await node[Symbol.asyncDispose]();
    }
  });
});
