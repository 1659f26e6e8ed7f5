import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NotifyClient } from "../../src/index.js";
import type { NotifyClientOptions, NotifyState } from "../../src/index.js";
import { HttpOnlyProxy, Proxy, Server, eventually, longForm, sleep, startNginx } from "../fixtures.js";
import { FakeStorage } from "../unit/rig.js";

let server: Server;
beforeAll(async () => { server = await Server.start(); });
afterAll(async () => { await server[Symbol.asyncDispose](); });

const gc = global.gc ?? (() => { throw new Error("node needs --expose-gc"); });
const quick: NotifyClientOptions = { maxRetryDelay: 500 };

async function live<T>(client: NotifyClient<T>): Promise<void> {
  await client.start();
  await eventually("live", () => client.state.name === "live");
}

describe("against a real server", () => {
  it("follows, goes on where it was, and hears of what it follows later", async () => {
    const storage = new FakeStorage();
    const topics = ["shop/orders/#"];
    const first = new NotifyClient<{ total: number }>({ url: server.url, topics, storage });
    const seen: string[] = [];
    first.on("notification", n => { seen.push(`${n.topic} ${n.data?.total}`); });
    await live(first);
    const published = await first.publish({ topic: "shop/orders/1", data: { total: 31.5 } });
    expect(published.version).toBeGreaterThan(0);
    await eventually("the first", () => seen.length === 1);
    first.close();

    await server.publish({ topic: "shop/orders/2", data: { total: 2 } });
    await server.publish({ topic: "shop/other", data: { total: 3 } });
    const second = new NotifyClient<{ total: number }>({ url: server.url, topics, storage });
    const states: NotifyState["name"][] = [];
    second.on("state", state => states.push(state.name));
    const loop = (async () => { for await (const n of second) seen.push(`${n.topic} ${n.data?.total}`); })();
    await eventually("what was missed", () => seen.length === 2 && second.state.name === "live");
    expect(states).toEqual(["connecting", "catchingUp", "live"]);
    await second.follow("shop/other");
    await server.publish({ topic: "shop/other", data: { total: 4 } });
    await eventually("the later filter", () => seen.length === 3);
    await second.unfollow("shop/other");
    await server.publish({ topic: "shop/other", data: { total: 5 } });
    await server.publish({ topic: "shop/orders/3", data: { total: 6 } });
    await eventually("the last", () => seen.length === 4);
    second.close();
    await loop;
    expect(seen).toEqual(["shop/orders/1 31.5", "shop/orders/2 2", "shop/other 4", "shop/orders/3 6"]);
    const page = await new NotifyClient({ url: server.url, storage: null }).list({ filter: "shop/#", limit: 3 });
    expect(page.items.map(n => n.topic)).toEqual(["shop/orders/1", "shop/orders/2", "shop/other"]);
    await expect(new NotifyClient({ url: server.url, storage: null }).get("0198c0de-0000-7000-8000-000000000001")).rejects.toMatchObject({ code: "not_found", kind: "permanent" });
  });

  it("says why it is refused, at the hub and over HTTP", async () => {
    const client = new NotifyClient({ url: server.url, storage: null });
    await expect(client.publish({ topic: "a/#", body: "x" })).rejects.toMatchObject({ name: "NotifyError", kind: "permanent", code: "invalid_topic" });
    await expect(client.ack(1)).rejects.toMatchObject({ code: "not_connected" });
    await live(client);
    await expect(client.follow("x", { durable: true })).rejects.toMatchObject({ kind: "permanent" });
    client.close();
    const nowhere = new NotifyClient({ url: `${server.url}/elsewhere`, storage: null });
    await expect(nowhere.start()).rejects.toMatchObject({ kind: "permanent", code: "not_found" });
    expect(nowhere.state.name).toBe("failed");
  });

  it("comes back when it is cut off, killed or drained, with nothing lost or doubled", async () => {
    const own = await Server.start();
    const proxy = await Proxy.start(() => own.port);
    const client = new NotifyClient({ ...quick, url: proxy.url, topics: ["#"], storage: null });
    const seen: number[] = [], wanted: number[] = [];
    client.on("notification", n => { seen.push(n.version!); });
    try {
      await live(client);
      for (const signal of [null, "SIGKILL", "SIGTERM"] as const) {
        wanted.push(await own.publish({ topic: "a", body: "before" }));
        await eventually("before", () => seen.length === wanted.length && client.state.name === "live");
        if (signal) {
          await own.stop(signal);
          await eventually("retrying", () => ["retrying", "connecting"].includes(client.state.name));
          await own.start();
        } else {
          proxy.down = true;
          proxy.cut();
        }
        for (let i = 0; i < 50; i++) wanted.push(await own.publish({ topic: "a", body: `missed ${i}` }));
        proxy.down = false;
        await eventually("all of it", () => seen.length >= wanted.length);
        expect(seen).toEqual(wanted);
      }
      expect(client.duplicatesDropped).toBe(0);
    } finally {
      client.close();
      await proxy[Symbol.asyncDispose]();
      await own[Symbol.asyncDispose]();
    }
  });

  it("iterates what was missed in bounded memory, however slow the loop is", async () => {
    const missed = longForm ? 100_000 : 20_000;
    const own = await Server.start();
    const storage = new FakeStorage();
    const options: NotifyClientOptions = { ...quick, url: own.url, topics: ["many/#"], storage, bufferSize: 500 };
    try {
      const before = new NotifyClient(options);
      before.on("notification", () => {});
      await live(before);
      before.close();
      await own.publishMany(missed, i => ({ topic: `many/${i % 10}`, body: "x".repeat(200), data: { i } }));
      const client = new NotifyClient<{ i: number }>(options);
      const states = new Set<string>();
      client.on("state", state => states.add(state.name));
      gc();
      const base = process.memoryUsage().heapUsed;
      let next = 0, peak = 0;
      for await (const n of client) {
        expect(n.data!.i).toBe(next++);
        if (next % 500 === 0) {
          await sleep(1);
          gc();
          peak = Math.max(peak, process.memoryUsage().heapUsed - base);
        }
        if (next === missed) break;
      }
      expect(next).toBe(missed);
      expect(states).toContain("readerBehind");
      console.log(`${missed} missed: ${(peak / 1e6).toFixed(1)} MB of heap at most`);
      expect(peak).toBeLessThan(8e6); // 100,000 of these are 60 MB
      client.close();
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it("works over another transport when WebSockets do not get through", async () => {
    const webSocket = new HttpOnlyProxy(server.port);
    const url = await webSocket.start();
    const client = new NotifyClient({ ...quick, url, topics: ["sse/#"], storage: null });
    const seen: unknown[] = [];
    client.on("notification", n => { seen.push(n.body); });
    try {
      await live(client);
      await server.publish({ topic: "sse/a", body: "over something else" });
      await eventually("it", () => seen.length === 1);
    } finally {
      client.close();
      await webSocket.stop();
    }
  });
});

describe.skipIf(!process.env["NOTIFY_POSTGRES"])("two nodes behind nginx, without sticky sessions", () => {
  it("moves when a node drains or dies, with nothing lost or doubled", async () => {
    const settings = { "ConnectionStrings:Postgres": process.env["NOTIFY_POSTGRES"]! };
    const nodes = [await Server.start(settings), await Server.start(settings)];
    const nginx = await startNginx(nodes.map(node => node.port));
    const clients = Array.from({ length: 4 }, () => new NotifyClient({ ...quick, url: nginx.url, topics: ["#"], storage: null, user: "ann", inbox: true }));
    const seen = clients.map(() => [] as number[]);
    clients.forEach((client, i) => client.on("notification", n => { seen[i]!.push(n.version!); }));
    const wanted: number[] = [];
    const all = (): Promise<true> => eventually("all have it", () => seen.every(versions => versions.length >= wanted.length) as true);
    try {
      for (const client of clients) await live(client);
      const publish = async (count: number, node: Server): Promise<void> => {
        for (let i = 0; i < count; i++) wanted.push(await node.publish({ ...(i % 2 ? { topic: "a" } : { user: "ann" }), body: `${i}` }));
      };
      const counted = (unread: number): Promise<unknown> => eventually(`${unread} unread, on every node`, () => clients.every(client => client.inbox.current?.unread === unread));
      await publish(10, nodes[0]!);
      await publish(10, nodes[1]!);
      await all();
      await counted(10);
      await clients[0]!.inbox.read({ upTo: wanted.at(-1)! });
      await counted(0);
      await Promise.all([nodes[0]!.stop("SIGTERM"), publish(20, nodes[1]!)]);
      await all();
      await nodes[0]!.start();
      await Promise.all([nodes[1]!.stop("SIGKILL"), publish(20, nodes[0]!)]);
      await all();
      await counted(20);
      for (const versions of seen) expect(versions).toEqual(wanted);
    } finally {
      for (const client of clients) client.close();
      await nginx.stop();
      for (const node of nodes) await node[Symbol.asyncDispose]();
    }
  });
});
