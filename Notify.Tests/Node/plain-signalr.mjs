// A person's first minute on the page of examples/plain-signalr: live, away, back, on a phone, in the dark.
//   node plain-signalr.mjs <server> <folder for screenshots> <browser> [folders of the page's files, when the service does not serve it]
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [server, pictures, executablePath, ...folders] = process.argv.slice(2);
const address = `${server}/plain-signalr.html`;
const say = o => console.log(JSON.stringify(o));
const publish = async fields => {
  const answer = await fetch(`${server}/api/v1/notifications`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
};

const profile = mkdtempSync(join(tmpdir(), "notify-browser-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-features=LocalNetworkAccessChecks"],
});
try {
  const page = browser.pages()[0];
  if (folders.length) await page.route(/\/(plain-signalr\.html|page\.css|page\.js|signalr\.min\.js)$/, route => {
    const name = new URL(route.request().url()).pathname.replace(/^.*\//, "").replace("plain-signalr", "index");
    return route.fulfill({ path: folders.map(folder => join(folder, name)).find(existsSync) });
  });
  const complaints = [];
  page.on("pageerror", error => complaints.push(error.message));
  page.on("console", message => { if (message.type() === "error") complaints.push(message.text()); });
  const state = text => page.locator(`#state[data-state="${text}"]`).waitFor();
  const entry = text => page.locator("#list li", { hasText: text }).waitFor();

  await page.goto(address);
  await state("live");
  await publish({ topic: "page/live", title: "While you look", body: "<img src=x onerror=document.title='hacked'>", data: { total: 31.5 }, priority: "high", link: "/somewhere" });
  await entry("While you look");
  say({ live: await page.locator("#list li").first().innerText(), title: await page.title(), images: await page.locator("#list img").count() });

  await page.getByRole("button", { name: "Disconnect" }).press("Enter"); // by keyboard
  await state("offline");
  await publish({ topic: "page/missed", title: "While you were away", body: "one" });
  await publish({ topic: "page/missed", title: "Later still", body: "two", priority: "urgent" });
  say({ away: await page.locator("#list li").count() });
  await page.getByRole("button", { name: "Connect" }).click();
  await state("live");
  await entry("Later still");
  say({ back: await page.locator("#list li").evaluateAll(items => items.map(item => item.dataset.version)),
    missed: await page.locator("#list .missed").count() });

  await page.getByLabel("Title").fill("From the form");
  await page.getByRole("button", { name: "Publish" }).click();
  await entry("From the form");
  await page.screenshot({ path: join(pictures, "plain-signalr.png"), fullPage: true });

  await page.reload(); // the place outlives the page
  await state("live");
  await entry("While you look");
  say({ reloaded: await page.locator("#list li").evaluateAll(items => items.map(item => item.dataset.version)),
    missedAfterReload: await page.locator("#list .missed").count() });

  await publish({ topic: "page/between", title: "Between two loads" });
  await entry("Between two loads"); // its place is kept in the same step; a page that leaves before gets it as missed
  await page.goto("about:blank");
  await publish({ topic: "page/between", title: "While the page was closed" });
  await page.goto(address);
  await entry("While the page was closed");
  await entry("While you look");
  say({ reopened: await page.locator("#list li").evaluateAll(items => items.map(item => item.dataset.version)),
    missedAfterReopening: await page.locator("#list .missed").count() });

  await page.getByLabel("Topic filters").fill("page/+ nothing/#");
  await page.getByRole("button", { name: "Follow" }).click();
  await page.locator("#list li", { hasText: "From the form" }).waitFor({ state: "detached" }); // until then state and list are the old filter's
  await state("live");
  await entry("While you look");
  say({ narrowed: await page.locator("#list .topic").allInnerTexts() });

  await publish({ topic: "page/phone", title: "On a phone", body: "w".repeat(200), link: "https://shop.example/orders/42" });
  await entry("On a phone");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 360, height: 740 });
  say({ overflow: await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) });
  await page.screenshot({ path: join(pictures, "plain-signalr-phone.png"), fullPage: true });
  say({ complaints });
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
