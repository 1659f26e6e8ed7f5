import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { NotifyState } from "../../src/client.js";
import { NotifyError } from "../../src/errors.js";
import { FakeService, epoch, gone, jwt, problem, settle } from "./rig.js";

let service: FakeService;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  service = new FakeService();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function recorded(client: ReturnType<FakeService["client"]>): NotifyState[] {
  const states: NotifyState[] = [];
  client.on("state", state => states.push(state));
  return states;
}
const names = (states: NotifyState[]): string[] => states.map(state => state.name);

describe("the way to live", () => {
  it("goes from idle over connecting and catchingUp to live, and start completes with the answer to Resume", async () => {
    const client = service.client({ topics: ["orders/#"] });
    const states = recorded(client);
    expect(client.state.name).toBe("idle");
    await client.start();
    expect(service.link.calls).toEqual([{ method: "Resume", argument: { topics: ["orders/#"] } }]);
    service.link.caughtUp(10);
    expect(names(states)).toEqual(["connecting", "catchingUp", "live"]);
    client.close();
    expect(names(states).at(-1)).toBe("closed");
    await settle();
    expect(service.link.stopped).toBe(true);
    await expect(client.start()).rejects.toMatchObject({ kind: "permanent", code: "closed" });
  });

  it("tries the first start for ever, with full jitter up to a limit", async () => {
    service.refuse = gone;
    const client = service.client({ maxRetryDelay: 4000 });
    const states = recorded(client);
    const started = vi.fn();
    void client.start().then(started);
    await settle();
    const waits: number[] = [];
    for (let i = 0; i < 60; i++) {
      const state = client.state;
      if (state.name !== "retrying") throw new Error(state.name);
      expect(state.attempt).toBe(i + 1);
      expect(state.why).toBeInstanceOf(NotifyError);
      waits.push(state.when.getTime() - Date.now());
      await settle(waits.at(-1));
    }
    expect(waits.slice(0, 4)).toEqual([250, 500, 1000, 2000]); // half of 500, 1000, 2000 and 4000
    for (const wait of waits.slice(4)) expect(wait).toBe(3000); // the circuit is open: three quarters of the limit here
    service.refuse = undefined;
    await settle(4000);
    expect(started).toHaveBeenCalledOnce();
    service.link.caughtUp(10);
    expect(client.state.name).toBe("live");
    expect(names(states).filter(name => name === "failed")).toEqual([]);
    client.close();
  });

  it("begins each wait anew after having been live, but not after an answer to Resume alone", async () => {
    const client = service.client();
    void client.start();
    await settle();
    const wait = (): number => client.state.name === "retrying" ? client.state.when.getTime() - Date.now() : -1;
    service.link.cut();
    await settle();
    expect(wait()).toBe(250);
    await settle(250);
    service.link.cut();
    await settle();
    expect(wait()).toBe(500);
    await settle(500);
    service.link.caughtUp(10);
    service.link.cut();
    await settle();
    expect(wait()).toBe(250);
    client.close();
  });

  it("does not come back after close, whatever it was doing", async () => {
    service.refuse = gone;
    const client = service.client();
    void client.start().catch(() => {});
    await settle();
    client.close();
    await settle(3_600_000);
    expect(service.attempts).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives up an attempt that hangs, and says that it timed out", async () => {
    service.refuse = () => new Promise(() => {});
    const client = service.client({ timeout: 1000 });
    void client.start();
    await settle(2000);
    expect(client.state).toMatchObject({ name: "retrying", why: { kind: "timeout" } });
    service.refuse = undefined;
    service.answer = () => new Promise(() => {}); // a Resume that is never answered
    await settle(250 + 1000);
    expect(client.state).toMatchObject({ name: "retrying", why: { kind: "timeout" } });
    expect(service.link.stopped).toBe(true);
    client.close();
  });

  it("waits as long as the service asks for", async () => {
    service.refuse = gone;
    service.http = () => problem(503, "storage_unavailable", { "Retry-After": "7" });
    const client = service.client();
    void client.start();
    await settle();
    expect(client.state).toMatchObject({ name: "retrying", why: { code: "storage_unavailable", kind: "transient", retryAfter: 7000 } });
    await settle(6999);
    expect(service.attempts).toHaveLength(1);
    await settle(1);
    expect(service.attempts).toHaveLength(2);
    client.close();
  });
});

describe("what is permanent", () => {
  it.each([[403, "forbidden"], [404, "not_found"], [401, "unauthenticated"]])("fails at the first start on %i", async (status, code) => {
    service.refuse = gone;
    service.http = () => problem(status, code);
    const client = service.client({ accessToken: "a" });
    const started = client.start();
    started.catch(() => {});
    await settle();
    expect(client.state).toMatchObject({ name: "failed", why: { kind: "permanent", code } });
    await expect(started).rejects.toMatchObject({ code });
    await settle(3_600_000);
    expect(service.attempts).toHaveLength(1);
    service.refuse = undefined;
    await client.start(); // somebody has mended it
    expect(client.state.name).toBe("catchingUp");
    client.close();
  });

  it("fails on a refused Resume, also later, and ends a loop with the reason", async () => {
    const client = service.client({ topics: ["secret/#"] });
    const loop = (async () => { for await (const _ of client) { /* none */ } })();
    await settle();
    service.link.caughtUp(10);
    service.answer = () => { throw new NotifyError("permanent", "forbidden", "secret/#"); };
    service.link.cut();
    await Promise.all([expect(loop).rejects.toMatchObject({ code: "forbidden" }), settle(1000)]);
    expect(client.state.name).toBe("failed");
  });

  it("keeps trying on a 404 after the first success: a deployment is under way", async () => {
    const client = service.client();
    void client.start();
    await settle();
    service.refuse = gone;
    service.http = () => problem(404, "not_found");
    service.link.cut();
    await settle(600_000);
    expect(client.state.name).toBe("retrying");
    service.refuse = undefined;
    await settle(10_000);
    expect(client.state.name).toBe("catchingUp");
    client.close();
  });

  it("fails only when each of several addresses has refused", async () => {
    service.refuse = gone;
    service.http = url => problem(url.host === "a.example" ? 404 : 403, "x");
    const client = service.client({ url: ["https://a.example", "https://b.example"] });
    client.start().catch(() => {});
    await settle(60_000);
    expect(client.state.name).toBe("failed");
    expect(service.attempts.map(url => new URL(url).host)).toEqual(["a.example", "b.example"]);
  });
});

describe("addresses", () => {
  it("goes to the next one on failure, stays with what works, and leaves a dead one alone for a while", async () => {
    service.refuse = o => o.url.includes("a.example") ? gone() : undefined;
    const client = service.client({ url: ["https://a.example/", "https://b.example/notify/"] });
    void client.start();
    await settle(1000);
    expect(service.attempts).toEqual(["https://a.example/hubs/notifications", "https://b.example/notify/hubs/notifications"]);
    for (let i = 0; i < 4; i++) { // each cut of b tries a once more: five failures in all
      service.link.caughtUp(10);
      service.link.cut();
      await settle(2000);
    }
    expect(service.attempts.filter(url => url.includes("a.example"))).toHaveLength(5);
    service.link.caughtUp(10);
    service.link.cut();
    await settle(2000);
    expect(service.attempts.filter(url => url.includes("a.example"))).toHaveLength(5); // rests
    service.link.caughtUp(10);
    await settle(20_000);
    service.link.cut();
    await settle(2000);
    expect(service.attempts.filter(url => url.includes("a.example"))).toHaveLength(6); // tried again
    client.close();
  });
});

describe("tokens", () => {
  const token = (n: number, life: number): string => jwt({ sub: "alice", n, exp: Math.floor(Date.now() / 1000) + life });

  it("asks the provider again on 401 and connects at once with the new one", async () => {
    let asked = 0;
    const used: (string | undefined)[] = [];
    service.refuse = o => { used.push(o.token()); return used.length === 1 ? gone() : undefined; };
    service.http = () => problem(401, "unauthenticated");
    const client = service.client({ accessToken: () => token(++asked, 3600) });
    void client.start();
    await settle();
    expect(asked).toBe(2);
    expect(used[0]).not.toBe(used[1]);
    expect(client.state.name).toBe("catchingUp");
    client.close();
  });

  it("fails when a fresh one is refused as well before the first success, and keeps on after it", async () => {
    let asked = 0;
    const client = service.client({ accessToken: () => token(++asked, 3600) });
    service.refuse = gone;
    service.http = () => problem(401, "unauthenticated");
    client.start().catch(() => {});
    await settle();
    expect(client.state).toMatchObject({ name: "failed", why: { code: "unauthenticated" } });
    expect(asked).toBe(2);

    service.refuse = undefined;
    await client.start();
    service.refuse = gone;
    service.link.cut();
    await settle(300_000);
    expect(client.state.name).toBe("retrying");
    service.refuse = undefined;
    await settle(10_000);
    expect(client.state.name).toBe("catchingUp");
    client.close();
  });

  it("takes a provider that fails for something that passes", async () => {
    let bad = true;
    const client = service.client({ accessToken: async () => { if (bad) throw new Error("login is away"); return "t"; } });
    const started = client.start();
    await settle(60_000);
    expect(client.state).toMatchObject({ name: "retrying", why: { kind: "transient", code: "unauthenticated" } });
    bad = false;
    await Promise.all([started, settle(10_000)]);
    client.close();
  });

  it("does not fail because the provider is away when a token was refused", async () => {
    let asked = 0;
    const client = service.client({ accessToken: () => { if (asked++) throw new Error("login is away"); return token(1, 3600); } });
    service.refuse = gone;
    service.http = () => problem(401, "unauthenticated");
    void client.start();
    await settle(60_000);
    expect(client.state).toMatchObject({ name: "retrying", why: { kind: "transient" } });
    client.close();
  });

  it("asks the provider again when the hub refuses the token", async () => {
    let asked = 0;
    const client = service.client({ accessToken: () => token(++asked, 3600) });
    const answer = service.answer;
    service.answer = call => { if (asked === 1) throw new NotifyError("permanent", "unauthenticated", "revoked"); return answer(call); };
    await client.start();
    expect(asked).toBe(2);
    client.close();
  });

  it("renews the token before it expires on the living connection, and drops the inbox's number with it", async () => {
    let asked = 0;
    const client = service.client({ inbox: true, topics: ["a/#", "b/#"], accessToken: () => token(++asked, 300) });
    await client.start();
    service.link.events.received("InboxChanged", { unread: 3, unseen: 1, head: 10, epoch, rev: 10 });
    service.link.caughtUp(10);
    service.answer = call => call.method === "Reauthenticate" ? { expiresAt: "…", topics: ["a/#"] } : {};
    await settle(241_000); // a minute before the end
    expect(service.links).toHaveLength(1);
    expect(service.link.calls.at(-1)).toEqual({ method: "Reauthenticate", argument: { token: token(2, 300 - 1) } });
    expect(client.inbox.current).toBeUndefined();
    expect(client.topics).toEqual(["a/#"]); // the new token does not cover b/#
    await settle(240_000);
    expect(asked).toBe(3);
    client.close();
  });

  it("connects anew when the new token is another user's", async () => {
    let asked = 0;
    const client = service.client({ accessToken: () => jwt({ sub: `user${++asked}`, exp: Math.floor(Date.now() / 1000) + 300 }) });
    await client.start();
    service.link.send(11);
    service.answer = call => {
      if (call.method === "Reauthenticate") throw new NotifyError("permanent", "forbidden", "another user");
      return { head: 50, epoch, since: 50, topics: [] };
    };
    await settle(241_000);
    expect(service.links).toHaveLength(2);
    expect(service.link.calls[0]!.argument).toEqual({}); // the place was the other user's
    client.close();
  });

  it("does not trust a clock that cannot be right, and asks for each connection", async () => {
    let asked = 0;
    const client = service.client({ accessToken: () => { asked++; return "opaque"; } });
    await client.start();
    service.link.caughtUp(10);
    service.link.cut();
    await settle(1000);
    expect(asked).toBe(2);
    client.close();
  });
});

describe("WebSockets that do not get through", () => {
  it("lets SignalR negotiate another transport at once when the service answers plain requests", async () => {
    service.refuse = o => o.negotiate ? undefined : gone();
    service.http = () => new Response("{}");
    const client = service.client();
    await client.start();
    expect(service.links[0]!.options.negotiate).toBe(true);
    client.close();
  });
});

describe("sleep and network", () => {
  const page = (): EventTarget & { visibilityState: string } => Object.assign(new EventTarget(), { visibilityState: "visible" });
  let window: EventTarget, document: ReturnType<typeof page>;
  beforeEach(() => {
    vi.stubGlobal("window", window = new EventTarget());
    vi.stubGlobal("document", document = page());
  });
  const fire = (target: EventTarget, name: string): void => { target.dispatchEvent(new Event(name)); };

  it("tries at once when the network is back, however long it was away", async () => {
    const client = service.client();
    await client.start();
    service.link.caughtUp(10);
    service.refuse = gone;
    fire(window, "offline");
    await settle();
    expect(client.state).toMatchObject({ name: "retrying", why: { code: "offline" } });
    await settle(3_600_000);
    service.refuse = undefined;
    const before = service.attempts.length;
    fire(window, "online");
    await settle();
    expect(service.attempts).toHaveLength(before + 1);
    service.link.caughtUp(10);
    expect(client.state.name).toBe("live");
    client.close();
  });

  it("after an hour asleep is live within a second of the network being back, although nothing said 'online'", async () => {
    const client = service.client();
    await client.start();
    service.link.caughtUp(10);
    service.refuse = gone;
    vi.setSystemTime(Date.now() + 3_600_000); // no timer ran meanwhile
    await settle(5_000);
    expect(service.links[0]!.stopped).toBe(true);
    await settle(5_000); // awake, and still no network
    expect(client.state.name).toBe("retrying");
    service.refuse = undefined;
    await settle(1_000);
    expect(client.state.name).toBe("catchingUp");
    client.close();
  });

  it("looks when the tab is shown: a silent connection is dropped, one that was just heard is kept", async () => {
    const client = service.client();
    await client.start();
    service.link.caughtUp(10);
    await settle(15_000);
    service.link.events.heard();
    fire(document, "visibilitychange");
    await settle();
    expect(service.links).toHaveLength(1);
    await settle(21_000);
    fire(document, "visibilitychange");
    await settle();
    expect(service.links).toHaveLength(2);
    client.close();
  });

  it("leaves nothing behind after close", async () => {
    const added = vi.spyOn(window, "addEventListener"), removed = vi.spyOn(window, "removeEventListener");
    const client = service.client();
    await client.start();
    client.close();
    await settle();
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
    expect(vi.getTimerCount()).toBe(0);
  });
});
