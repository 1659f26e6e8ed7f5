import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import type { Browser, Frame, Page } from "playwright-core";

const here = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const built = mkdtempSync(join(tmpdir(), "notify-js-bundles-"));
execFileSync("node", [join(here, "scripts/build.mjs"), built]);

/** The bundles of the sources as they are, by the path at which the service hands them out. */
export const bundles: Record<string, string> = { "/notify.js": join(built, "notify.js"), "/notify-inbox.js": join(built, "notify-inbox.js") };

/** The strictest policy that a page may have; images are the icon alone. (The policy `vue` is Vue's own.) */
export const pageHeaders = {
  "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    + "require-trusted-types-for 'script'; trusted-types lit-html vue",
};

const pictures = process.env["NOTIFY_SCREENSHOTS"] ?? mkdtempSync(join(tmpdir(), "notify-js-pictures-"));
mkdirSync(pictures, { recursive: true });
export const picture = (name: string): string => join(pictures, `notify-inbox-${name}.png`);
export const pagePicture = (name: string): string => join(pictures, `front-page-${name}.png`);

export async function launch(): Promise<Browser> {
  const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
  if (!executablePath) throw new Error("The browser tests need Chromium: apt-get install chromium.");
  return chromium.launch({
    executablePath,
    // Pages that a test makes up are of no address space, and would not be let to 127.0.0.1.
    args: ["--disable-features=LocalNetworkAccessChecks", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--js-flags=--expose-gc", "--enable-precise-memory-info"],
  });
}

/** Fails a test for what a page complains about: errors, and what its policy has refused. */
export function complaintsOf(page: Page, expected = /net::ERR_(?!BLOCKED)|WebSocket connection(?!.*(BLOCKED|response code: 4))|Failed to load resource/): string[] {
  const complaints: string[] = [];
  page.on("pageerror", error => complaints.push(error.message));
  page.on("console", message => {
    if (message.type() === "error" && !expected.test(message.text())) complaints.push(message.text());
  });
  return complaints;
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds wrong, a line each. */
export async function axeFindings(page: Page | Frame): Promise<string[]> {
  await page.evaluate(`${axe};0`);
  return page.evaluate(async () => {
    const run = (window as unknown as { axe: { run(context: unknown, options: unknown): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe;
    const { violations } = await run.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
    return violations.flatMap(v => v.nodes.map(node => `${v.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`));
  });
}
