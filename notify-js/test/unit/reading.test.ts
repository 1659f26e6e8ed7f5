import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { HandlerFailure } from "../../src/client.js";
import { NotifyError } from "../../src/errors.js";
import { FakeService, FakeStorage, epoch, note, problem, settle } from "./rig.js";

let service: FakeService;

beforeEach(() => {
  vi.useFakeTimers();
  service = new FakeService();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const saved = (storage: FakeStorage): unknown => [...storage.items.values()].map(text => JSON.parse(text) as unknown);

describe("the place", () => {
  it("moves when the handler's promise has finished, and not before", async () => {
    const storage = new FakeStorage();
    const client = service.client({ storage, saveInterval: 0 });
    const doing: (() => void)[] = [];
    client.on("notification", () => new Promise<void>(done => doing.push(done)));
    await client.start();
    service.link.send(11, 12);
    await settle();
    expect(doing).toHaveLength(1); // the second waits for the first
    expect(saved(storage)).toEqual([{ since: 10, epoch }]);
    doing[0]!();
    await settle();
    expect(saved(storage)).toEqual([{ since: 11, epoch }]);
    expect(doing).toHaveLength(2);
    client.close();
    expect(saved(storage)).toEqual([{ since: 11, epoch }]);
  });

  it("moves when a loop asks for the next one; a loop that is left gives its last one to the next loop", async () => {
    const storage = new FakeStorage();
    const client = service.client({ storage, saveInterval: 0 });
    const seen: number[] = [];
    const read = async (until: number): Promise<void> => {
      for await (const { version } of client) {
        seen.push(version!);
        if (version === until) break;
      }
    };
    const first = read(12);
    await settle();
    service.link.send(11, 12, 13);
    await first;
    expect(saved(storage)).toEqual([{ since: 11, epoch }]);
    const second = read(13);
    await settle();
    await second;
    expect(seen).toEqual([11, 12, 12, 13]);
    expect(saved(storage)).toEqual([{ since: 12, epoch }]);
    client.close();
  });

  it("is kept per set of filters and user, whatever their order, and goes on there", async () => {
    const storage = new FakeStorage();
    const one = service.client({ storage, topics: ["a", "b"], user: "alice" });
    one.on("notification", () => {});
    await one.start();
    service.link.send(11);
    await settle();
    one.close();
    const resumed = async (options: object): Promise<unknown> => {
      const client = service.client({ storage, ...options });
      await client.start();
      client.close();
      return service.link.calls[0]!.argument["since"];
    };
    expect(await resumed({ topics: ["b", "a"], user: "alice" })).toBe(11);
    expect(await resumed({ topics: ["a"], user: "alice" })).toBeUndefined();
    expect(await resumed({ topics: ["a", "b"], user: "bob" })).toBeUndefined();
  });

  it("keeps the old epoch until the Gap has been told, and then the new one", async () => {
    const storage = new FakeStorage();
    const client = service.client({ storage, saveInterval: 0 });
    const told: unknown[] = [];
    client.on("notification", n => { told.push(n.version); });
    client.on("gap", gap => { told.push(gap.reason); });
    await client.start();
    service.link.send(11);
    await settle();
    service.answer = () => ({ head: 3, epoch: "other", since: 11, topics: [] });
    service.link.cut();
    await settle(1000);
    service.link.cut(); // before the Gap
    await settle(2000);
    expect(service.link.calls[0]!.argument).toMatchObject({ since: 11, epoch });
    service.link.events.received("Gap", { since: 11, oldest: 1, head: 3, epoch: "other", reason: "epoch" });
    service.link.send(1, 2);
    service.link.events.received("Progress", { version: 3, epoch: "other" });
    await settle();
    expect(told).toEqual([11, "epoch", 1, 2]);
    expect(client.place).toEqual({ since: 3, epoch: "other" });
    client.close();
  });

  it("needs no storage that works: one that throws costs only the memory of the place", async () => {
    const storage = new FakeStorage();
    storage.broken = true;
    const client = service.client({ storage, saveInterval: 0 });
    const seen: (number | undefined)[] = [];
    client.on("notification", n => { seen.push(n.version); });
    await client.start();
    service.link.send(11, 12);
    await settle();
    service.link.cut();
    await settle(1000);
    expect(service.link.calls[0]!.argument["since"]).toBe(12);
    expect(seen).toEqual([11, 12]);
    client.close();
  });

  it.each(["{", "null", "[]", '{"since":"11","epoch":"x"}', '{"since":1.5,"epoch":"x"}'])("takes %s in the storage for nothing", async text => {
    const client = service.client({ storage: { getItem: () => text, setItem: () => {} } });
    await client.start();
    expect(service.link.calls[0]!.argument).toEqual({});
    client.close();
  });

  it("may be kept in a storage that takes its time, or fails in the end", async () => {
    const items = new Map<string, string>();
    const storage = {
      getItem: async (key: string) => { await settleLater(); return items.get(key); },
      setItem: async (key: string, value: string) => { await settleLater(); items.set(key, value); throw new Error("late"); },
    };
    const settleLater = (): Promise<void> => new Promise(done => setTimeout(done, 100));
    const first = service.client({ storage, saveInterval: 0 });
    first.on("notification", () => {});
    void first.start();
    await settle(200);
    service.link.send(11);
    await settle(200);
    first.close();
    const second = service.client({ storage });
    void second.start();
    await settle(200);
    expect(service.link.calls[0]!.argument).toEqual({ since: 11, epoch });
    second.close();
  });
});

describe("tabs", () => {
  it("each has its own place; a new one begins at the newest of all", async () => {
    const shared = new FakeStorage();
    const tab = async (tabStorage: FakeStorage, ...versions: number[]): Promise<unknown> => {
      const client = service.client({ storage: shared, tabStorage });
      client.on("notification", () => {});
      await client.start();
      const { since } = service.link.calls[0]!.argument;
      service.link.send(...versions);
      await settle();
      client.close();
      return since;
    };
    const [a, b] = [new FakeStorage(), new FakeStorage()];
    await tab(a, 11);
    expect(await tab(b, 12, 13)).toBe(11);
    expect(await tab(a, 12)).toBe(11); // its own, although b is further on
    expect(await tab(new FakeStorage())).toBe(13); // a, which handled 12 last, has not set it back
  });
});

describe("handlers", () => {
  it("is given the same one again when it failed, and nothing else meanwhile", async () => {
    const storage = new FakeStorage();
    const client = service.client({ storage, saveInterval: 0 });
    const seen: number[] = [];
    const failures: HandlerFailure[] = [];
    let bad = 3;
    client.on("notification", async n => {
      seen.push(n.version!);
      if (n.version === 12 && bad-- > 0) throw new Error("no");
    });
    client.on("error", failure => failures.push(failure));
    await client.start();
    service.link.send(11, 12, 13);
    await settle();
    expect(saved(storage)).toEqual([{ since: 11, epoch }]);
    await settle(60_000);
    expect(seen).toEqual([11, 12, 12, 12, 12, 13]);
    expect(failures.map(f => [f.attempt, (f.item as { version: number }).version])).toEqual([[1, 12], [2, 12], [3, 12]]);
    client.close();
  });

  it("goes on when told to skip, and calls only the handler that failed again", async () => {
    const client = service.client();
    const good: number[] = [];
    client.on("notification", n => { good.push(n.version!); });
    client.on("notification", n => { if (n.version === 11) throw new Error("never"); });
    client.on("error", failure => { if (failure.attempt === 2) failure.skip(); });
    await client.start();
    service.link.send(11, 12);
    await settle(60_000);
    expect(good).toEqual([11, 12]);
    client.close();
  });

  it("hears of gaps and of having caught up between the right notifications", async () => {
    const client = service.client();
    const told: unknown[] = [];
    client.on("notification", async n => { await new Promise(done => setTimeout(done, 10)); told.push(n.version); });
    client.on("gap", gap => { told.push(`gap ${gap.oldest}`); });
    client.on("caughtUp", at => { told.push(`caught up ${at.head}`); });
    await client.start();
    service.link.send(11);
    service.link.events.received("Gap", { since: 11, oldest: 20, head: 21, epoch, reason: "retention" });
    service.link.send(20, 21);
    service.link.caughtUp(21);
    service.link.events.received("Notification", { ...note(0), version: undefined, ephemeral: true });
    await settle(1000);
    expect(told).toEqual([11, "gap 20", 20, 21, "caught up 21", undefined]);
    expect(client.place?.since).toBe(21);
    client.close();
  });

  it("drops what comes a second time", async () => {
    const client = service.client();
    const seen: number[] = [];
    client.on("notification", n => { seen.push(n.version!); });
    await client.start();
    service.link.send(11, 11, 12, 10, 12, 13);
    await settle();
    expect(seen).toEqual([11, 12, 13]);
    expect(client.duplicatesDropped).toBe(3);
    client.close();
  });

  it("cannot break the client by failing elsewhere", async () => {
    const reported: unknown[] = [];
    vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
    const client = service.client();
    client.on("state", () => { throw new Error("state handler"); });
    await client.start();
    service.link.caughtUp(10);
    expect(client.state.name).toBe("live");
    expect(reported.length).toBeGreaterThan(0);
    client.close();
  });
});

describe("a reader that is behind", () => {
  it("lets the connection go, and comes back at the right place when it has come to a quarter", async () => {
    const client = service.client({ bufferSize: 8 });
    const seen: number[] = [];
    const waiting: (() => void)[] = [];
    client.on("notification", n => new Promise<void>(done => { seen.push(n.version!); waiting.push(done); }));
    await client.start();
    for (let version = 11; version < 40; version++) service.link.send(version);
    await settle();
    expect(client.state.name).toBe("readerBehind");
    expect(service.links[0]!.stopped).toBe(true);
    await settle(3_600_000);
    expect(service.links).toHaveLength(1);
    while (seen.length < 6) {
      waiting.shift()!();
      await settle();
    }
    expect(service.links).toHaveLength(1);
    waiting.shift()!();
    await settle();
    expect(service.links).toHaveLength(2);
    expect(service.link.calls[0]!.argument["since"]).toBe(18); // eight were taken
    for (let version = 19; version < 23; version++) service.link.send(version);
    for (let i = 0; i < 8; i++) {
      waiting.shift()?.();
      await settle();
    }
    expect(seen).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]);
    client.close();
  });

  it("stays connected for the inbox when nobody reads, and a reader that comes later gets all of it", async () => {
    const client = service.client({ bufferSize: 4, inbox: true });
    const counts: number[] = [];
    client.on("inbox", c => counts.push(c.unread));
    await client.start();
    service.link.caughtUp(10);
    for (let version = 11; version < 100; version++) service.link.send(version);
    service.link.events.received("InboxChanged", { unread: 89, unseen: 89, head: 99, epoch, rev: 99 });
    await settle();
    expect(client.state.name).toBe("live");
    expect(counts).toEqual([89]);
    const seen: number[] = [];
    client.on("notification", n => { seen.push(n.version!); });
    await settle();
    expect(service.links).toHaveLength(2);
    expect(service.link.calls[0]!.argument["since"]).toBe(10);
    service.link.send(11, 12);
    await settle();
    expect(seen).toEqual([11, 12]);
    client.close();
  });
});

describe("filters", () => {
  it("follows and unfollows on the living connection and on every later one; the place goes with the filters", async () => {
    const storage = new FakeStorage();
    const client = service.client({ storage, topics: ["a"], saveInterval: 0 });
    client.on("notification", () => {});
    await client.start();
    service.link.send(11);
    await settle();
    await client.follow(["b", "a"]);
    expect(service.link.calls.at(-1)).toEqual({ method: "Subscribe", argument: { topics: ["b"] } });
    expect(saved(storage)).toEqual([{ since: 11, epoch }, { since: 11, epoch }]);
    await client.unfollow("a");
    service.link.cut();
    await settle(1000);
    expect(service.link.calls[0]!.argument).toEqual({ since: 11, epoch, topics: ["b"] });
    client.close();
  });

  it("takes a call that dies with its connection for done by the next Resume", async () => {
    const client = service.client();
    await client.start();
    service.answer = call => call.method === "Subscribe" ? new Promise((_, reject) => { service.links[0]!.cut(); setTimeout(() => reject(new Error("gone")), 1); })
      : { head: 10, epoch, since: 10, topics: [] };
    const following = client.follow("late/#");
    await settle(1000);
    await following;
    await settle(1000);
    expect(client.topics).toEqual(["late/#"]);
    expect(service.link.calls[0]!.argument["topics"]).toEqual(["late/#"]);
    client.close();
  });

  it("says when a durable call dies with its connection: no Resume carries it", async () => {
    const client = service.client({ topics: ["a"] });
    const answer = service.answer;
    const dying = async (what: Promise<void>): Promise<void> => {
      const refused = expect(what).rejects.toMatchObject({ kind: "transient", code: "closed" });
      await settle(1000);
      await refused;
      service.answer = answer;
      await settle(1000);
    };
    const die = (): void => {
      service.answer = call => call.method === "Resume" ? answer(call) : new Promise((_, reject) => { service.link.cut(); setTimeout(() => reject(new NotifyError("transient", "closed", "gone")), 1); });
    };
    await client.start();
    die();
    await dying(client.follow("late/#", { durable: true }));
    die();
    await dying(client.unfollow("late/#"));
    expect(client.topics).toEqual(["a"]);
    client.close();
  });

  it("watches presence again on every later connection, also when the first try is lost", async () => {
    const client = service.client();
    const told: unknown[] = [];
    client.on("presence", change => told.push(change));
    await client.start();
    const answer = service.answer;
    let busy = 1;
    service.answer = call => {
      if (call.method !== "WatchPresence") return answer(call);
      if (service.links.length > 1 && busy-- > 0) throw new NotifyError("transient", "too_many_requests", "busy");
      return { topics: [{ topic: "room", count: 2, users: ["ann", "bea"] }] };
    };
    expect(await client.watchPresence("room")).toEqual([{ topic: "room", count: 2, users: ["ann", "bea"] }]);
    service.link.events.received("Presence", { topic: "room", count: 3, user: "cal", event: "join" });
    service.link.cut();
    await settle(10_000);
    expect(told).toEqual([{ topic: "room", count: 3, user: "cal", event: "join" }, { topic: "room", count: 2 }]);
    expect(service.link.calls.filter(call => call.method === "WatchPresence")).toHaveLength(2);
    await client.unwatchPresence("room");
    service.link.cut();
    await settle(10_000);
    expect(service.link.calls.map(call => call.method)).toEqual(["Resume"]);
    client.close();
  });

  it.each(["", "a#", "a/#/b", "+a", "$user/x", "a\u0000", "x".repeat(513), "#/"])("refuses %j where it is given", async bad => {
    expect(() => service.client({ topics: [bad] })).toThrow(/filter/);
    const client = service.client();
    expect(() => client.follow(bad)).toThrow(/filter/);
  });

  it.each(["#", "+", "a/#", "a/+/b", "/", "a//b", "+/+", "a/$b", "ü/é"])("takes %j", filter => {
    service.client({ topics: [filter] });
  });
});

describe("counts of the inbox", () => {
  const counts = (rev: number, unread: number, more: object = {}): object => ({ unread, unseen: unread, head: rev, epoch, rev, ...more });

  it("keeps the highest rev, the exact one, the one with fewer; another epoch only from the connection", async () => {
    const client = service.client({ inbox: true });
    const told: number[] = [];
    client.on("inbox", c => told.push(c.unread));
    await client.start();
    const signal = (c: object): void => service.link.events.received("InboxChanged", c);
    signal(counts(20, 5));
    signal(counts(19, 4)); // late
    expect(told).toEqual([5]);
    signal(counts(20, 6)); // expiry never adds
    signal(counts(20, 1, { atLeast: true })); // a lower bound
    expect(told).toEqual([5]);
    signal(counts(20, 4)); // something expired
    signal(counts(21, 9, { atLeast: true }));
    signal(counts(21, 12));
    expect(told).toEqual([5, 4, 9, 12]);
    service.http = () => Response.json(counts(500, 1, { epoch: "other" }));
    await client.inbox.summary();
    expect(client.inbox.current).toMatchObject({ rev: 21 });
    signal(counts(3, 2, { epoch: "other" }));
    expect(client.inbox.current).toMatchObject({ rev: 3, unread: 2 });
    client.close();
  });

  it("does not take an answer that was asked for before the token changed", async () => {
    const client = service.client({ inbox: true });
    await client.start();
    let answer!: (r: Response) => void;
    service.http = () => new Promise(done => { answer = done; });
    const asked = client.inbox.summary();
    await settle();
    service.link.events.answered("Reauthenticate", {});
    answer(Response.json(counts(99, 99)));
    await asked;
    expect(client.inbox.current).toBeUndefined();
    client.close();
  });

  it("sends marks in the order of the calls, also when one is tried again or refused", async () => {
    const client = service.client();
    const sent: string[] = [];
    const answers = [503, 200, 403, 200];
    service.http = (url, init) => {
      sent.push(`${url.pathname.split("/").at(-1)!} ${init.body as string}`);
      const status = answers.shift()!;
      return status === 200 ? Response.json(counts(20 + sent.length, 1)) : problem(status, "refused");
    };
    const read = client.inbox.read({ versions: [7] });
    const archived = expect(client.inbox.archive({ versions: [7] })).rejects.toMatchObject({ kind: "permanent" });
    const unread = client.inbox.unread({ versions: [7] });
    await settle(10_000);
    await Promise.all([read, archived, unread]);
    expect(sent).toEqual(["read", "read", "archive", "unread"].map(how => `${how} {"versions":[7]}`));
  });
});

describe("publishing", () => {
  it("tries again under one idempotency key, and gives up on what is permanent", async () => {
    const keys: unknown[] = [];
    let answers = [503, 429, 201];
    service.http = (_, init) => {
      keys.push((JSON.parse(init.body as string) as { idempotencyKey?: string }).idempotencyKey);
      return Response.json({ id: "x", version: 1, code: "forbidden" }, { status: answers.shift()! });
    };
    const client = service.client();
    const done = client.publish({ topic: "a", body: "b" });
    await settle(10_000);
    expect(await done).toMatchObject({ version: 1 });
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(3);
    answers = [403];
    await expect(client.publish({ topic: "a", body: "b" })).rejects.toMatchObject({ kind: "permanent", code: "forbidden" });
    answers = [503];
    await expect(client.publish({ topic: "a", body: "b", ephemeral: true })).rejects.toMatchObject({ kind: "transient" });
    expect(keys.at(-1)).toBeUndefined();
  });
});
