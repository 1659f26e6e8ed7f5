// A page of the service's own origin whose EventSource tells what becomes of it.
//   node event-source.mjs <server> <filter, percent-encoded> <browser> <folder for its profile>
import { chromium } from "playwright-core";

const [server, filter, executablePath, profile] = process.argv.slice(2);
const browser = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const page = browser.pages()[0];
await page.exposeFunction("say", said => console.log(JSON.stringify(said)));
await page.goto(`${server}/openapi/v1.json`);
await page.evaluate(address => {
  const source = new EventSource(address);
  source.addEventListener("caught-up", () => say({ caughtUp: true, state: source.readyState }));
  source.addEventListener("notification", message => say({ version: JSON.parse(message.data).version }));
  source.onerror = () => say({ lost: true, state: source.readyState });
}, `${server}/api/v1/stream?filter=${filter}`);
