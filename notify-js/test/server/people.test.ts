import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NotifyClient } from "../../src/index.js";
import type { NotifyClientOptions, NotifyState, PresenceChange, SubscriptionsChange } from "../../src/index.js";
import { Proxy, Server, eventually, longForm, signingKey, sleep, token } from "../fixtures.js";

// A service that wants tokens. Each test has users and topics of its own.
let server: Server, proxy: Proxy;
const admin = (): string => token("root", { notify_admin: true });
const clients: NotifyClient[] = [];

beforeAll(async () => {
  server = await Server.start({ "Notify:Auth:SigningKey": signingKey });
  proxy = await Proxy.start(() => server.port);
});
afterEach(() => { for (const client of clients.splice(0)) client.close(); });
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

interface Following { client: NotifyClient; seen: unknown[]; states: NotifyState["name"][] }

/** A client that is live, with what it sees; behind the proxy. */
async function follow(options: NotifyClientOptions): Promise<Following> {
  const client = new NotifyClient({ url: proxy.url, storage: null, maxRetryDelay: 500, ...options });
  clients.push(client);
  const seen: unknown[] = [], states: NotifyState["name"][] = [];
  client.on("notification", n => { seen.push(n.title); });
  client.on("state", state => states.push(state.name));
  await client.start();
  await eventually("live", () => client.state.name === "live");
  return { client, seen, states };
}

async function call(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method, headers: { Authorization: `Bearer ${admin()}`, "Content-Type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}
const get = async <R>(path: string): Promise<R> =>
  await (await fetch(`${server.url}/api/v1${path}`, { headers: { Authorization: `Bearer ${admin()}` } })).json() as R;
const publish = (fields: Record<string, unknown>): Promise<void> => call("POST", "/notifications", fields);
const has = (following: Following, ...titles: string[]): Promise<unknown> =>
  eventually(`${titles.join()} have come`, () => following.seen.length >= titles.length).then(() => expect(following.seen).toEqual(titles));
const reconnect = async ({ client, states }: Following, meanwhile: () => Promise<unknown> = () => Promise.resolve()): Promise<void> => {
  proxy.down = true;
  proxy.cut();
  await eventually("away", () => states.includes("retrying"));
  await meanwhile();
  proxy.down = false;
  await eventually("live again", () => client.state.name === "live");
};

describe("with tokens", () => {
  it("shows a new one before the old one expires, on the same connection, and follows what it covers", async () => {
    const given: string[] = [];
    const grants = [["short/#"], ["short/#", "wide/#"], ["wide/#"]];
    // Short lives: a new one is asked for after four fifths.
    const accessToken = (): string => {
      const next = token("ann", { notify_subscribe: grants[Math.min(given.length, 2)] }, given.length < 2 ? 3 : 3600);
      given.push(next);
      return next;
    };
    const narrow = await follow({ accessToken: token("ann", { notify_subscribe: ["short/#"] }) });
    await expect(narrow.client.follow("wide/#")).rejects.toMatchObject({ kind: "permanent", code: "forbidden" });
    const following = await follow({ accessToken, topics: ["short/#"], inbox: true });
    await eventually("it is covered", () => following.client.follow("wide/#").then(() => true));
    expect(given.length).toBeGreaterThanOrEqual(2);
    await publish({ topic: "wide/1", title: "with the second" });
    await has(following, "with the second");
    await eventually("the third came, and what it does not cover is over", () => given.length === 3 && following.client.topics.join() === "wide/#");
    await publish({ topic: "short/1", title: "no longer" });
    await publish({ topic: "wide/1", title: "with the third" });
    await has(following, "with the second", "with the third");
    expect(following.states).toEqual(["connecting", "catchingUp", "live"]);
    await eventually("told its counts anew after each", () => following.client.inbox.current?.unread === 0);
    if (longForm) {
      await sleep(50_000); // the first two have expired, and the time in which the service closes what used them is over
      await publish({ topic: "wide/1", title: "much later" });
      await has(following, "with the second", "with the third", "much later");
      expect(following.states).toHaveLength(3);
    }
  });

  it("asks the provider again when one is refused, at the hub and over HTTP, also when it was revoked", async () => {
    const old = Math.floor(Date.now() / 1000) - 500;
    let asked = 0, good = Infinity;
    const first = { iat: old, exp: old + 100 }; // ran out long ago
    const following = await follow({ accessToken: () => token("bea", { notify_subscribe: "bea/#", notify_publish: "bea/#", ...(asked++ ? asked < good ? { iat: old } : {} : first) }), topics: ["bea/#"] });
    expect(asked).toBe(2);
    await following.client.publish({ topic: "bea/1", title: "one" });
    await has(following, "one");
    following.states.length = 0;
    await call("POST", "/users/bea/tokens/revoke", { issuedBefore: new Date((old + 100) * 1000).toISOString() });
    // The provider goes on giving the revoked one for a while, as one that caches does; then another.
    await eventually("refused, and asked again", () => asked > 4);
    good = asked + 1;
    await eventually("live with another", () => following.client.state.name === "live");
    expect(following.states).toContain("retrying");
    expect(following.states).not.toContain("failed");
    await publish({ topic: "bea/1", title: "three" });
    await has(following, "one", "three");

    let given = 0;
    const http = new NotifyClient({ url: server.url, storage: null, accessToken: () => token("cal", { notify_publish: "cal/#" }, given++ ? 3600 : -100) });
    expect(await http.publish({ topic: "cal/1", title: "two" })).toMatchObject({ topic: "cal/1" });
    expect(given).toBe(2);
    await expect(http.publish({ topic: "other/1", title: "two" })).rejects.toMatchObject({ kind: "permanent", code: "forbidden" });
    const bad = new NotifyClient({ url: server.url, storage: null, accessToken: "not.a.token" });
    await expect(bad.start()).rejects.toMatchObject({ kind: "permanent", code: "unauthenticated" });
    expect(bad.state).toMatchObject({ name: "failed", why: { code: "unauthenticated" } });
  });

  it("takes another user's token for another connection, with a place of its own", async () => {
    let user = "dan";
    const following = await follow({ accessToken: () => token(user, {}, user === "dan" ? 3 : 3600) });
    await publish({ user: "dan", title: "for dan" });
    await has(following, "for dan");
    user = "eve";
    await eventually("a connection of its own", () => following.states.filter(state => state === "live").length === 2);
    expect((await following.client.me()).user).toBe("eve");
    await publish({ user: "dan", title: "for dan again" });
    await publish({ user: "eve", title: "for eve" });
    await has(following, "for dan", "for eve");
  });
});

describe("people", () => {
  it("joins and leaves groups, and is told on every device", async () => {
    await call("PUT", "/groups/fans");
    const accessToken = token("fay", { notify_join: "fans" });
    const laptop = await follow({ accessToken }), phone = await follow({ accessToken, device: "phone" });
    const told: SubscriptionsChange[] = [];
    phone.client.on("subscriptions", change => told.push(change));
    await expect(laptop.client.joinGroups("ops")).rejects.toMatchObject({ kind: "permanent", code: "forbidden" });
    await publish({ group: "fans", title: "before" });
    expect(await laptop.client.joinGroups("fans")).toEqual(["fans"]);
    await publish({ group: "fans", title: "as a member" });
    for (const one of [laptop, phone]) await has(one, "as a member");
    expect((await phone.client.me()).groups).toEqual(["fans"]);
    expect(await phone.client.leaveGroups(["fans"])).toEqual([]);
    await publish({ group: "fans", title: "after" });
    await publish({ user: "fay", title: "the end" });
    for (const one of [laptop, phone]) await has(one, "as a member", "the end");
    await eventually("told of both", () => told.length >= 2);
    expect(told.at(0)).toEqual({ topics: [], groups: ["fans"] });
    expect(told.at(-1)).toEqual({ topics: [], groups: [] });
  });

  it("follows for good on all devices, and goes on where a device has acknowledged", async () => {
    const accessToken = token("gus", { notify_subscribe: ["news/#"] });
    const phone = { accessToken, device: "phone" };
    const first = await follow(phone), laptop = await follow({ accessToken, device: "laptop" });
    await expect(new NotifyClient({ url: server.url, storage: null }).follow("news/#", { durable: true })).rejects.toMatchObject({ code: "not_connected" });
    await first.client.follow("news/#", { durable: true });
    expect(first.client.topics).toEqual([]); // the user's, not this connection's
    expect(await laptop.client.subscriptions()).toEqual(["news/#"]);
    await publish({ topic: "news/1", title: "one" });
    await publish({ user: "gus", title: "two" });
    for (const one of [first, laptop]) await has(one, "one", "two");
    await eventually("acknowledged and stored", async () => {
      await first.client.ack();
      const { items } = await get<{ items: { device: string; version: number }[] }>("/users/gus/devices");
      return items.find(item => item.device === "phone")?.version === first.client.place!.since;
    });
    await publish({ topic: "news/1", title: "three" });
    await has(first, "one", "two", "three"); // and not acknowledged
    first.client.close();
    await publish({ topic: "news/2", title: "four" });

    const again = await follow(phone); // without a place of its own
    await has(again, "three", "four");
    await expect(again.client.ack(1_000_000)).rejects.toMatchObject({ kind: "permanent", code: "invalid_request" });
    await reconnect(again, () => publish({ topic: "news/2", title: "five" }));
    await has(again, "three", "four", "five");
    await again.client.unfollow("news/#");
    await publish({ topic: "news/2", title: "six" });
    await publish({ user: "gus", title: "seven" });
    for (const [one, ...titles] of [[again, "three", "four", "five", "seven"], [laptop, "one", "two", "three", "four", "five", "seven"]] as [Following, ...string[]][]) await has(one, ...titles);
    await expect(new NotifyClient({ url: server.url, storage: null }).unfollow("news/#")).rejects.toMatchObject({ code: "not_connected" });
  });

  it("says of itself what moves it into a group, and back", async () => {
    await call("PUT", "/groups/hot", { rule: "@.self.celsius > 30" });
    const following = await follow({ accessToken: token("sensor") });
    expect(await following.client.setAttributes({ celsius: 21, room: "boiler" })).toEqual({ celsius: 21, room: "boiler" });
    await publish({ group: "hot", title: "not yet" });
    expect(await following.client.setAttributes({ celsius: 35, room: null })).toEqual({ celsius: 35 });
    await eventually("it is a member", async () => (await following.client.me()).groups.includes("hot"));
    await publish({ group: "hot", title: "too hot" });
    await has(following, "too hot");
    await following.client.setAttributes({ celsius: null });
    await eventually("it is none", async () => !(await following.client.me()).groups.length);
    await publish({ group: "hot", title: "no longer" });
    await publish({ user: "sensor", title: "still there" });
    await has(following, "too hot", "still there");
  });

  it("has an inbox, in step on two devices and right after an absence", async () => {
    const options = { accessToken: token("ida"), inbox: true };
    const laptop = await follow({ ...options, device: "laptop" }), phone = await follow({ ...options, device: "phone" });
    const both = [laptop, phone].map(({ client }) => client.inbox);
    const counted = (unread: number, unseen: number): Promise<unknown> =>
      eventually(`${unread} unread, ${unseen} unseen`, () => both.every(inbox => inbox.current?.unread === unread && inbox.current.unseen === unseen));
    for (const title of ["one", "two", "three"]) await publish({ user: "ida", title });
    await counted(3, 3);
    const page = await both[0]!.list({ limit: 2 });
    expect(page.items.map(({ notification }) => notification.title)).toEqual(["three", "two"]);
    const rest = await both[1]!.list({ before: page.next! });
    expect(rest.items.map(({ notification }) => notification.title)).toEqual(["one"]);
    expect(rest.next).toBeUndefined();
    const [three, two, one] = [...page.items, ...rest.items].map(({ notification }) => notification.version) as [number, number, number];
    await both[0]!.seen({ upTo: three });
    await counted(3, 0);
    await both[1]!.read({ versions: [one, two] });
    await counted(1, 0);
    await both[0]!.unread({ versions: [one] });
    await counted(2, 0);
    await both[0]!.archive({ versions: [three] });
    await counted(1, 0);
    expect((await both[1]!.list({ state: "archived" })).items.map(item => [item.notification.title, !!item.readAt, !!item.archivedAt])).toEqual([["three", true, true]]);
    await both[1]!.unarchive({ versions: [three] });
    expect((await both[1]!.list({ state: "unread", filter: "$user/me" })).items.map(item => item.notification.title)).toEqual(["one"]);
    await reconnect(phone, async () => { // the laptop is away, too
      await publish({ user: "ida", title: "four" });
      await call("POST", "/users/ida/inbox/read", { versions: [one] });
    });
    await counted(1, 1);
    expect(await both[0]!.summary(["$user/me"])).toMatchObject({ unread: 1, filters: [{ filter: "$user/me", unread: 1, unseen: 1 }] });
    expect(both[0]!.current!.rev).toBe(both[1]!.current!.rev);
  });

  it("sees who comes to a topic and who leaves it, also after an absence of its own", async () => {
    const watcher = await follow({ accessToken: token("joy", { notify_subscribe: ["rooms/#"] }) });
    const told: PresenceChange[] = [];
    watcher.client.on("presence", change => told.push(change));
    expect(await watcher.client.watchPresence("rooms/1")).toEqual([{ topic: "rooms/1", count: 0, users: [] }]);
    await expect(watcher.client.watchPresence("other/1")).rejects.toMatchObject({ kind: "permanent", code: "forbidden" });
    const kim = await follow({ accessToken: token("kim", { notify_subscribe: ["rooms/#"] }), device: "phone", topics: ["rooms/+"] });
    await eventually("kim has come", () => told.some(({ user, event }) => user === "kim" && event === "join"));
    expect(told.at(-1)).toEqual({ topic: "rooms/1", user: "kim", event: "join", count: 1 });
    const page = await watcher.client.presence("rooms/1");
    expect(page).toMatchObject({ topic: "rooms/1", count: 1, items: [{ user: "kim", device: "phone" }] });
    expect(page.items[0]!.connectedAt).toMatch(/^\d{4}-/);

    told.length = 0;
    await reconnect(watcher, () => Promise.resolve());
    await eventually("watched again", () => told.some(({ topic, count }) => topic === "rooms/1" && count === 1));
    kim.client.close(); // in good order: at once
    await eventually("kim has left", () => told.some(({ user, event, count }) => user === "kim" && event === "leave" && count === 0));
    await watcher.client.unwatchPresence("rooms/1");
    expect((await watcher.client.presence("rooms/1")).items).toEqual([]);
  });
});
