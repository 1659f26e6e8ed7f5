import { expect, it } from "vitest";
import { NotifyClient } from "../../src/index.js";
import { Proxy, Server, eventually, longForm, seeded, sleep } from "../fixtures.js";

const steps = longForm ? 10_000 : 300;
const seeds = process.env["NOTIFY_JS_SEEDS"]?.split(",").map(Number) ?? (longForm ? [1, 2, 3] : [Date.now() % 1_000_000]);

/** A storage that loses writes while it is full, and all of them once its page is gone. */
class ShakyStorage {
  static readonly items = new Map<string, string>();
  static full = false;
  gone = false;
  getItem(key: string): string | null { return ShakyStorage.items.get(key) ?? null; }
  setItem(key: string, value: string): void {
    if (this.gone) return;
    if (ShakyStorage.full) throw new DOMException("full", "QuotaExceededError");
    ShakyStorage.items.set(key, value);
  }
}

// Whatever happens, in whatever order: every version is handled at least once, and for the first time only after every
// earlier one has been.
it.each(seeds)("handles every version in order and skips none, seed %i", async seed => {
  const random = seeded(seed);
  const server = await Server.start();
  const proxy = await Proxy.start(() => server.port);
  const published: number[] = [], handled: number[] = [], seen = new Set<number>();
  const done = { publish: 0, batch: 0, cut: 0, outage: 0, reload: 0, crash: 0, handlerFailed: 0, storageFull: 0, slow: 0, kill: 0 };
  let first = 0; // the place in `published` of the first that has not been handled
  let failNext = 0, slow = 0;
  let client: NotifyClient, storage: ShakyStorage;

  const open = (): void => {
    storage = new ShakyStorage();
    client = new NotifyClient({ url: proxy.url, topics: ["model/#"], storage, tabStorage: null, saveInterval: random(3) * 20, maxRetryDelay: 60, bufferSize: 1 + random(60) });
    const mine = client, page = storage;
    client.on("notification", async n => {
      if (page.gone) return;
      if (slow > 0) {
        slow--;
        await sleep(random(20));
        if (page.gone) return; // the page went in the middle of it
      }
      if (failNext > 0) {
        failNext--;
        done.handlerFailed++;
        throw new Error("the handler fails");
      }
      handled.push(n.version!);
      seen.add(n.version!);
      expect(mine.duplicatesDropped).toBe(0);
    });
    client.on("error", () => {});
    void client.start();
  };
  const publish = async (count: number): Promise<void> => {
    if (count === 1) return void published.push(await server.publish({ topic: `model/${random(5)}`, body: "x".repeat(random(300)) || "y" }));
    const before = published.at(-1) ?? 0;
    await server.publishMany(count, i => ({ topic: `model/${i % 5}`, body: "b" }));
    const page = await (await fetch(`${server.url}/api/v1/notifications?filter=model/%23&since=${before}&limit=1000`)).json() as { items: { version: number }[] };
    published.push(...page.items.map(n => n.version));
  };

  try {
    open();
    await eventually("the first place", () => client.state.name === "live" && client.place);
    storage!.setItem([...ShakyStorage.items.keys()][0]!, JSON.stringify(client!.place));
    for (let step = 0; step < steps; step++) {
      const dice = random(1000);
      if (dice < 620) { await publish(1); done.publish++; }
      else if (dice < 650) { await publish(50 + random(200)); done.batch++; }
      else if (dice < 720) { proxy.cut(); done.cut++; }
      else if (dice < 750) { proxy.down = !proxy.down; if (proxy.down) proxy.cut(); done.outage++; }
      else if (dice < 790) { client!.close(); storage!.gone = true; open(); done.reload++; }
      else if (dice < 830) { storage!.gone = true; client!.close(); open(); done.crash++; }
      else if (dice < 880) { failNext += 1; }
      else if (dice < 910) { ShakyStorage.full = !ShakyStorage.full; done.storageFull++; }
      else if (dice < 940) { slow += random(50); done.slow++; }
      else if (dice < 942) { await server.stop(random(2) ? "SIGKILL" : "SIGTERM"); await server.start(); done.kill++; }
      else await sleep(random(15));
    }
    proxy.down = ShakyStorage.full = false;
    failNext = slow = 0;
    // A client with a small buffer that is thousands behind takes its time: as long as it goes on, it may.
    for (let before = -1; seen.size < published.length && before !== handled.length;) {
      before = handled.length;
      await eventually("the next one has been handled", () => handled.length > before || seen.size >= published.length, 60_000);
    }
    seen.clear();
    for (const version of handled) {
      if (version === published[first]) first++;
      else expect(seen, `version ${version} came before ${published[first]}`).toContain(version);
      seen.add(version);
    }
    expect(first).toBe(published.length);
    console.log(`seed ${seed}: ${JSON.stringify({ steps, published: published.length, handled: handled.length, ...done })}`);
  } finally {
    client!.close();
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  }
}, 1_800_000);
