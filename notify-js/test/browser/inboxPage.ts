import type { Locator, Page } from "playwright-core";

/** A page of a shop, in no way prepared for the component. */
export const html = (body: string, attributes = 'lang="en"', head = ""): string => `<!doctype html>
<html ${attributes}><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Shop</title>
<link rel="icon" href="data:,">${head}<script type="module" src="/notify-inbox.js"></script></head>
<body><main><h1>Shop</h1><button id="before">Before</button>${body}<button id="after">After</button></main></body></html>`;
export const plain = '<notify-inbox user="alice" align="start"></notify-inbox>';

export const bellOf = (page: Page): Locator => page.getByRole("button", { name: /^Notifications/ });
export const articlesOf = (page: Page): Locator => page.getByRole("article");

/** What the items are called, as assistive technology reads it. */
export const titlesOf = (page: Page): Promise<string[]> => page.locator("notify-inbox article").evaluateAll(all => all.map(a => (a.getAttribute("aria-labelledby")!.split(" ")
  .map(id => (a.getRootNode() as ShadowRoot).getElementById(id)?.textContent ?? "").join(" ")).trim()));
export const badgeOf = (page: Page, text: string): Promise<void> =>
  page.locator("notify-inbox .badge", { hasText: new RegExp(`^${text.replace("+", "\\+")}$`) }).waitFor();
export const focusedOf = (page: Page): Promise<string | null> => page.evaluate(() => {
  const element = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement;
  return element?.getAttribute("data-version") ?? element?.getAttribute("data-focus") ?? element?.id ?? null;
});
