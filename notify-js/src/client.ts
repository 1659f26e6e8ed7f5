import { Addresses } from "./addresses.js";
import { DeliveryQueue } from "./deliveries.js";
import type { Delivery } from "./deliveries.js";
import { NotifyError, fromHub, timedOut } from "./errors.js";
import { checked } from "./filters.js";
import { Http } from "./http.js";
import { Inbox } from "./inbox.js";
import { openLink } from "./link.js";
import type { Link, OpenLink } from "./link.js";
import { addressesOf, checkedOptions, storagesOf } from "./options.js";
import type { NotifyClientOptions } from "./options.js";
import { PlaceKeeper, ReceivedPlace } from "./place.js";
import type { Place } from "./place.js";
import { Backoff, Pause, within } from "./time.js";
import { Tokens, claims } from "./tokens.js";
import { Turns } from "./turns.js";
import { watchWaking } from "./waking.js";
import type { Wake } from "./waking.js";
import type {
  CaughtUp, Gap, InboxSummary, Me, Notification, NotificationPage, PresenceChange, PresenceCount, PresencePage, PublishRequest, PublishResult,
  ResumeResult, SubscriptionsChange,
} from "./wire.js";

/** What a client is doing. */
export type NotifyState =
  | { readonly name: "idle" }
  | { readonly name: "connecting" }
  | { readonly name: "catchingUp" }
  | { readonly name: "live" }
  /** Without a connection until the reader has handled what is buffered. */
  | { readonly name: "readerBehind" }
  /** Waiting for attempt number `attempt`, which is made at `when`. */
  | { readonly name: "retrying"; readonly attempt: number; readonly when: Date; readonly why: NotifyError }
  /** Refused for good; `start()` tries again. */
  | { readonly name: "failed"; readonly why: NotifyError }
  | { readonly name: "closed" };

/** A handler failed. The same notification is handed to it again, after a while, unless `skip()` says to go on. */
export interface HandlerFailure<T = unknown> {
  readonly error: unknown;
  readonly event: "notification" | "gap" | "caughtUp";
  readonly item: Notification<T> | Gap | CaughtUp;
  readonly attempt: number;
  skip(): void;
}

export interface NotifyEvents<T = unknown> {
  /** Each once and in version order. The next comes when the handler, or its promise, has finished. */
  notification: Notification<T>;
  /** Versions will not come. In order with the notifications. */
  gap: Gap;
  /** What was missed has been handled. In order with the notifications. */
  caughtUp: CaughtUp;
  state: NotifyState;
  /** Other counts of the inbox; asked for by the option `inbox`. */
  inbox: InboxSummary;
  /** Of watched topics. */
  presence: PresenceChange;
  subscriptions: SubscriptionsChange;
  error: HandlerFailure<T>;
}

type Handler<E> = (event: E) => unknown;

/** @internal For tests. */
export interface NotifyClientParts {
  openLink?: OpenLink;
}

// The server pings every 15 s when it has nothing to say.
const silence = 20_000;
const hubPath = "/hubs/notifications";

/**
 * Follows topics: every notification once and in version order, through reconnects and reloads.
 *
 *     const client = new NotifyClient({ url: "https://notify.example", accessToken, topics: ["orders/#"] });
 *     for await (const notification of client) show(notification);
 *
 * A notification counts as handled when the loop asks for the next one, or when the `notification` handlers and their
 * promises have finished. Only then does the kept place move on, so a page that goes while handling one gets that one again.
 */
export class NotifyClient<T = unknown> implements AsyncIterable<Notification<T>> {
  /** The user's inbox. */
  readonly inbox: Inbox<T>;

  readonly #options: NotifyClientOptions;
  readonly #open: OpenLink;
  readonly #addresses: Addresses;
  readonly #tokens: Tokens;
  readonly #http: Http;
  readonly #timeout: number;
  readonly #backoff: Backoff;
  readonly #soon = new Backoff(100, 500);
  readonly #keeper: PlaceKeeper;
  readonly #queue: DeliveryQueue<T>;
  readonly #pause = new Pause();
  readonly #handlers = new Map<keyof NotifyEvents<T>, Set<Handler<never>>>();
  readonly #watched = new Set<string>();

  #topics: Set<string>;
  #state: NotifyState = { name: "idle" };
  #received = new ReceivedPlace();
  #link: Link | undefined;
  #cut: ((why: NotifyError, now?: boolean) => void) | undefined;
  #attemptBegan = 0;
  #heardAt = 0;
  #awakeUntil = 0;
  #started: { promise: Promise<void>; resolve: () => void; reject: (why: NotifyError) => void } | undefined;
  #everResumed = false;
  #refused = 0;
  #askedAgain = false;
  #negotiate = false;
  #renewing: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | undefined;
  readonly #changes = new Turns();
  #duplicates = 0;

  #pumping = false;
  #unread = false;
  #reader: NotificationReader<T> | undefined;
  readonly #handlerPause = new Pause();

  constructor(options: NotifyClientOptions = {}, parts: NotifyClientParts = {}) {
    checkedOptions(options);
    this.#options = options;
    this.#open = parts.openLink ?? openLink;
    this.#topics = new Set(checked(options.topics ?? []));
    this.#timeout = options.timeout ?? 15_000;
    const longest = options.maxRetryDelay ?? 10_000;
    this.#backoff = new Backoff(500, longest);
    this.#addresses = new Addresses(addressesOf(options.url), longest);
    this.#tokens = new Tokens(options.accessToken, this.#timeout);
    this.#http = new Http(this.#addresses, this.#tokens, { user: options.user, device: options.device }, this.#timeout);
    this.#keeper = new PlaceKeeper(...storagesOf(options), options.saveInterval ?? 250);
    this.#queue = new DeliveryQueue(options.bufferSize ?? 2_000);
    this.inbox = new Inbox(this.#http, () => !!this.#link && !!options.inbox, summary => this.#emit("inbox", summary));
  }

  get state(): NotifyState { return this.#state; }

  /** The last place that has been handled; undefined before the first answer of the service. */
  get place(): Place | undefined { return this.#keeper.current; }

  /** The filters that are followed on this connection, or will be on the next. */
  get topics(): readonly string[] { return [...this.#topics]; }

  /** How many notifications came a second time and were dropped. Anything but 0 is a fault worth reporting. */
  get duplicatesDropped(): number { return this.#duplicates; }

  /** Calls the handler from now on, until the function that it returns is called. */
  on<E extends keyof NotifyEvents<T>>(event: E, handler: (event: NotifyEvents<T>[E]) => unknown): () => void {
    const all = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, all.add(handler));
    if (event === "notification") this.#consumed();
    return () => { all.delete(handler); };
  }

  /**
   * Connects, and tries again for as long as it takes. Completes when the service has answered the first Resume; fails
   * when it refuses this client for good. A loop over the client does this by itself.
   */
  start(): Promise<void> {
    if (this.#state.name === "closed") return Promise.reject(closed());
    if (this.#state.name !== "idle" && this.#state.name !== "failed") return this.#started!.promise;
    let resolve!: () => void, reject!: (why: NotifyError) => void;
    const promise = new Promise<void>((done, failed) => [resolve, reject] = [done, failed]);
    promise.catch(() => {}); // the state says so too
    this.#started = { promise, resolve, reject };
    this.#refused = 0;
    this.#unwatch ??= watchWaking(why => this.#wake(why), () => this.#keeper.save());
    void this.#run();
    return promise;
  }

  /** Lets the connection go for good. What was not handled comes again to the next client with the same storage. */
  close(): void {
    if (this.#state.name === "closed") return;
    this.#enter({ name: "closed" });
    this.#started?.reject(closed());
    this.#unwatch?.();
    this.#cut?.(closed());
    this.#pause.end();
    this.#handlerPause.end();
    this.#reader?.end();
    this.#queue.clear();
    this.#keeper.save();
  }

  /**
   * The notifications, for one loop at a time. Starts the client. Ends when it is closed, and throws when it failed for
   * good. A loop that is left begins again with the notification at which it was left.
   */
  [Symbol.asyncIterator](): AsyncIterator<Notification<T>> {
    if (this.#reader) throw new Error("One loop at a time reads a client.");
    if (this.#state.name === "idle") void this.start();
    const reader = this.#reader = new NotificationReader<T>(() => {
      if (this.#reader === reader) this.#reader = undefined;
    });
    if (this.#state.name === "failed") reader.end(this.#state.why);
    else if (this.#state.name === "closed") reader.end();
    this.#consumed();
    return reader;
  }

  /**
   * Follows more filters, from now on and after every reconnect. `durable`: for the user, on every device, until unfollowed.
   * Without a connection a filter is followed from the place of the next Resume; a durable one needs the connection.
   */
  follow(topics: string | readonly string[], { durable = false } = {}): Promise<void> {
    const filters = checked([topics].flat());
    return this.#change(!durable, async link => {
      if (durable) return void await this.#invoke(link ?? disconnected(), "Subscribe", { topics: filters, durable });
      const added = filters.filter(filter => !this.#topics.has(filter));
      if (link && added.length) await this.#invoke(link, "Subscribe", { topics: added });
    }, () => { if (!durable) for (const filter of filters) this.#topics.add(filter); });
  }

  /** Follows fewer filters. What has already arrived is still handled. One that is not of this connection is a durable one: that needs it. */
  unfollow(topics: string | readonly string[]): Promise<void> {
    const filters = checked([topics].flat());
    const named = filters.every(filter => this.#topics.has(filter));
    return this.#change(
      named,
      async link => { if (filters.length && (link || !named)) await this.#invoke(link ?? disconnected(), "Unsubscribe", { topics: filters }); },
      () => { for (const filter of filters) this.#topics.delete(filter); });
  }

  /** Publishes; completes when it is stored. Needs no connection, and tries again by itself under its idempotency key. */
  publish<D = unknown>(request: PublishRequest<D>): Promise<PublishResult> {
    const body = request.ephemeral ? request : { idempotencyKey: key(), ...request };
    return this.#http.call("POST", "/notifications", { body, repeat: !request.ephemeral });
  }

  /** Says that this device has everything up to a version; by default up to what has been handled. */
  async ack(version = this.#keeper.current?.since): Promise<void> {
    if (version !== undefined) await this.#invoke(this.#link ?? disconnected(), "Ack", { version });
  }

  /** Stored notifications that the caller may see, page by page. */
  list(query: { filter?: string | readonly string[]; since?: number; limit?: number; order?: "asc" | "desc"; before?: number } = {},
  ): Promise<NotificationPage<T>> {
    return this.#http.call("GET", "/notifications", { query, repeat: true });
  }

  get(id: string): Promise<Notification<T>> {
    return this.#http.call("GET", `/notifications/${encodeURIComponent(id)}`, { repeat: true });
  }

  /** Who the service takes this client for. */
  me(): Promise<Me> { return this.#http.call("GET", "/users/me", { repeat: true }); }

  /** The user's durable subscriptions. */
  async subscriptions(): Promise<readonly string[]> {
    return (await this.#http.call<{ topics: readonly string[] }>("GET", "/users/me/subscriptions", { repeat: true })).topics;
  }

  /** Joins groups that the token allows to join; answers all groups of the user. */
  joinGroups(groups: string | readonly string[]): Promise<readonly string[]> { return this.#groups("JoinGroups", groups); }

  leaveGroups(groups: string | readonly string[]): Promise<readonly string[]> { return this.#groups("LeaveGroups", groups); }

  /** Changes what the user says of itself (JSON merge patch); answers all of it. */
  async setAttributes(attributes: Record<string, unknown>): Promise<Record<string, unknown>> {
    return (await this.#invoke<{ attributes: Record<string, unknown> }>(this.#link ?? disconnected(), "SetAttributes", { attributes })).attributes;
  }

  /** Watches who is there for topics, also after every reconnect: the `presence` event. Answers what is so now. */
  async watchPresence(topics: string | readonly string[]): Promise<readonly PresenceCount[]> {
    const names = [topics].flat();
    const answer = await this.#invoke<{ topics: readonly PresenceCount[] }>(this.#link ?? disconnected(), "WatchPresence", { topics: names });
    for (const name of names) this.#watched.add(name);
    return answer.topics;
  }

  async unwatchPresence(topics: string | readonly string[]): Promise<void> {
    const names = [topics].flat();
    for (const name of names) this.#watched.delete(name);
    if (this.#link) await this.#invoke(this.#link, "UnwatchPresence", { topics: names });
  }

  /** The connections that follow a topic now, on all nodes, page by page. */
  presence(topic: string, query: { after?: string; limit?: number } = {}): Promise<PresencePage> {
    return this.#http.call("GET", "/presence", { query: { topic, ...query }, repeat: true });
  }

  // ---- the connection ----

  async #run(): Promise<void> {
    const ended = (): boolean => this.#state.name === "closed";
    while (!ended()) {
      this.#enter({ name: "connecting" });
      let { why, now } = await this.#once();
      if (ended()) return;
      if (why.code === "unauthenticated" && !now) ({ why, now } = await this.#renewed(why));
      if (ended()) return;
      if (this.#queue.room) {
        this.#enter({ name: "readerBehind" });
        await this.#queue.room;
        this.#backoff.reset();
        continue;
      }
      if (now) continue;
      if (this.#isFinal(why)) return this.#fail(why);
      this.#addresses.failed(Date.now());
      const awake = Date.now() < this.#awakeUntil;
      const delay = awake && why.retryAfter === undefined ? this.#soon.next()
        : Math.max(this.#backoff.next(), this.#addresses.resting(Date.now()), why.retryAfter ?? 0);
      this.#enter({ name: "retrying", attempt: Math.max(1, this.#backoff.attempt), when: new Date(Date.now() + delay), why });
      if (!ended()) await this.#pause.wait(delay);
    }
  }

  /** One connection, from its start to its end; says why it ended and whether to begin the next one at once. */
  async #once(): Promise<{ why: NotifyError; now: boolean }> {
    const abort = new AbortController();
    let over = false, now = false, why: NotifyError | undefined;
    let end!: () => void;
    const ended = new Promise<void>(resolve => { end = resolve; });
    this.#attemptBegan = this.#heardAt = Date.now();
    const cut = this.#cut = (because: NotifyError, again = false): void => {
      if (over) return;
      over = true;
      why = because;
      now = again;
      end();
    };
    let link: Link | undefined;
    const work = async (): Promise<void> => {
      await this.#tokens.get();
      if (over) return;
      await this.#findPlace();
      if (over) return;
      const hub = this.#hubUrl();
      const negotiate = this.#negotiate;
      this.#negotiate = false;
      try {
        link = await this.#open({
          url: hub, token: () => this.#tokens.value, negotiate, signal: abort.signal,
          events: {
            heard: () => { this.#heardAt = Date.now(); },
            answered: (method, result) => { if (!over) this.#answered(method, result); },
            received: (method, item) => { if (!over) this.#receive(method, item); },
            closed: error => cut(error ? fromHub(error) : new NotifyError("transient", "closed", "The connection was closed.")),
          },
        });
      } catch (error) {
        if (over) return;
        const reason = await this.#http.diagnose(hub);
        if (!reason) this.#negotiate = !negotiate;
        return cut(reason ?? error as NotifyError, !reason && !negotiate);
      }
      if (over) return link.stop();
      await this.#resume(link);
    };
    const limit = setTimeout(() => {
      if (!this.#link) cut(timedOut("Connecting"));
    }, this.#timeout * 2);
    work().catch((error: unknown) => cut(fromHub(error)));
    await ended;
    clearTimeout(limit);
    clearTimeout(this.#renewing);
    abort.abort();
    this.#link = undefined;
    link?.stop();
    if (this.#cut === cut) this.#cut = undefined;
    return { why: why!, now };
  }

  // The one place where a connection learns where it begins. A user's place is the user's: another token may be somebody else's.
  async #findPlace(): Promise<void> {
    const key = this.#placeKey();
    if (key === this.#keeper.key) return;
    await this.#keeper.load(key);
    this.#queue.clear();
    this.#received = new ReceivedPlace(this.#keeper.current);
  }

  #placeKey(): string {
    const { user, device } = this.#options;
    const page = typeof location === "object" ? location.origin : undefined;
    const service = addressesOf(this.#options.url)[0]!;
    const who = user ?? claims(this.#tokens.value)["sub"];
    return `notify:${JSON.stringify([service === page ? "" : service, who ?? "", device ?? "", [...this.#topics].sort()])}`;
  }

  #hubUrl(): string {
    const url = new URL(this.#addresses.current + hubPath);
    if (this.#options.user) url.searchParams.set("user", this.#options.user);
    if (this.#options.device) url.searchParams.set("device", this.#options.device);
    return url.href;
  }

  #resume(link: Link): Promise<void> {
    return this.#changes.take(async () => {
      const { since, epoch } = this.#received;
      await this.#invoke(link, "Resume", {
        ...(since === undefined ? {} : { since }), ...(epoch === undefined ? {} : { epoch }),
        ...(this.#topics.size ? { topics: [...this.#topics] } : {}), ...(this.#options.inbox ? { inbox: true } : {}),
      });
      if (!this.#cut || this.#state.name === "closed") return;
      this.#link = link;
      this.#started?.resolve(); // not before: calls on the connection may follow at once
      this.#renewLater(link);
      if (this.#watched.size) void this.#watchAgain(link);
    });
  }

  // In the order of the wire, before anything that follows the answer on it.
  #answered(method: string, result: unknown): void {
    if (method === "Reauthenticate") {
      this.inbox.drop();
      // The counts that the service sends after it may have overtaken the answer, and are dropped with the others.
      if (this.#options.inbox) void this.inbox.summary().catch(() => {});
      return;
    }
    if (method !== "Resume") return;
    this.#received.resumed(result as ResumeResult);
    if (!this.#keeper.current && this.#received.place) this.#keeper.move(this.#received.place);
    this.#addresses.worked();
    this.#everResumed = true;
    this.#refused = 0;
    this.#askedAgain = false;
    this.#enter({ name: "catchingUp" });
  }

  #receive(method: string, item: unknown): void {
    switch (method) {
      case "Notification": return this.#take({ event: "notification", item: item as Notification<T> });
      case "Gap": return this.#take({ event: "gap", item: item as Gap });
      case "CaughtUp": return this.#take({ event: "caughtUp", item: item as CaughtUp });
      case "Progress": {
        const { version, epoch } = item as { version: number; epoch: string };
        return this.#take({ reached: { head: version, epoch } });
      }
      case "InboxChanged": return this.inbox.signal(item as InboxSummary);
      case "Presence": return this.#emit("presence", item as PresenceChange);
      case "SubscriptionsChanged": return this.#emit("subscriptions", item as SubscriptionsChange);
    }
  }

  #take(what: { event: "notification"; item: Notification<T> } | { event: "gap"; item: Gap } | { event: "caughtUp"; item: CaughtUp }
    | { event?: undefined; reached: CaughtUp }): void {
    if (this.#unread) return; // nobody reads: they stay in the log
    const before = this.#received.place;
    const version = what.event === "notification" ? what.item.version : undefined;
    if (version !== undefined && !this.#received.advance(version)) {
      this.#duplicates++;
      return;
    }
    if (what.event === "gap") this.#received.skipped(what.item);
    else if (what.event === "caughtUp") this.#received.reached(what.item);
    else if (!what.event) this.#received.reached(what.reached);

    const after = what.event === "notification" && version === undefined ? undefined : this.#received.place;
    const delivery = (what.event ? { event: what.event, item: what.item, after } : { after }) as Delivery<T>;
    if (!this.#queue.add(delivery)) {
      this.#received = new ReceivedPlace(before);
      if (!this.#hasConsumer) {
        // A client that only uses the inbox or presence stays connected; a reader that comes later is led back to its place.
        this.#unread = true;
        this.#queue.clear();
      } else this.#cut?.(new NotifyError("transient", "reader_behind", "The reader is behind."));
      return;
    }
    if (what.event === "caughtUp") {
      // Not at Resume: a service that takes the call and then closes would be asked again without any wait.
      this.#backoff.reset();
      this.#soon.reset();
      this.#enter({ name: "live" });
    }
    void this.#pump();
  }

  // ---- tokens ----

  /** Asks for another token after the one at hand was refused; once, until one is accepted. */
  async #renewed(why: NotifyError): Promise<{ why: NotifyError; now: boolean }> {
    if (!this.#tokens.renewable || this.#askedAgain || why.kind === "transient") return { why, now: false };
    const refused = this.#tokens.value;
    try {
      const now = await this.#tokens.get(true) !== refused;
      this.#askedAgain = true;
      return { why, now };
    } catch (error) {
      return { why: error as NotifyError, now: false }; // the provider is away, which says nothing about the token
    }
  }

  #renewLater(link: Link): void {
    clearTimeout(this.#renewing);
    const wait = this.#tokens.renewIn;
    if (wait !== undefined) this.#renewing = setTimeout(() => void this.#renew(link), wait);
  }

  async #renew(link: Link): Promise<void> {
    try {
      const token = await this.#tokens.get(true);
      if (this.#link !== link) return;
      if (token) {
        const { topics } = await this.#invoke<{ topics?: readonly string[] }>(link, "Reauthenticate", { token });
        // What the new token does not cover is over; named again, it would refuse the next Resume.
        if (topics) for (const topic of this.#topics) if (!topics.includes(topic)) this.#topics.delete(topic);
        this.#keeper.rename(this.#placeKey());
      }
      this.#renewLater(link);
    } catch (error) {
      if (this.#link !== link) return;
      // A provider that is away for a while is asked again until the token has run out. A token that is refused, or is
      // another user's, needs a connection of its own.
      if (error instanceof NotifyError && error.kind === "permanent") this.#cut?.(error, error.code === "forbidden");
      else this.#renewing = setTimeout(() => void this.#renew(link), 1_000 + Math.random() * 4_000);
    }
  }

  // ---- what ends it, what wakes it ----

  #isFinal(why: NotifyError): boolean {
    if (why.kind !== "permanent") return false;
    // After the first success a 401, 403 or 404 on the way in is a deployment under way or a provider with a bad minute.
    // A token that nothing can replace, and what the service says to a call, is for good.
    const onTheWayIn = ["unauthenticated", "not_found"].includes(why.code) || why.code.startsWith("http_");
    if (onTheWayIn && this.#everResumed && (why.code !== "unauthenticated" || this.#tokens.renewable)) {
      this.#askedAgain = false;
      return false;
    }
    return ++this.#refused >= this.#addresses.count;
  }

  #fail(why: NotifyError): void {
    this.#started?.reject(why);
    this.#enter({ name: "failed", why });
    this.#askedAgain = false;
    this.#reader?.end(why);
    this.#keeper.save();
  }

  #wake(why: Wake): void {
    const now = Date.now();
    if (why === "offline") return this.#cut?.(new NotifyError("transient", "offline", "This machine has no network."));
    this.#awakeUntil = now + 30_000;
    this.#soon.reset();
    this.#addresses.forget();
    this.#backoff.reset();
    this.#pause.end();
    if (!this.#cut) return;
    const stale = this.#link ? why === "online" || now - this.#heardAt > silence : now - this.#attemptBegan > 1_000;
    if (stale) this.#cut(new NotifyError("transient", "offline", "The network was away."), true);
  }

  // ---- reading ----

  get #hasConsumer(): boolean { return !!this.#reader || !!this.#handlers.get("notification")?.size; }

  #consumed(): void {
    if (this.#unread) {
      this.#unread = false;
      this.#received = new ReceivedPlace(this.#keeper.current);
      this.#cut?.(new NotifyError("transient", "reader_behind", "A reader has come."), true);
    }
    void this.#pump();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let next; this.#hasConsumer && (next = this.#queue.peek());) {
        if (!await this.#hand(next)) continue;
        if (this.#queue.peek() !== next) return; // closed meanwhile, or somebody else's place
        this.#queue.remove();
        if (next.after) this.#keeper.move(next.after);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** True when it has been handled; false when the loop that had it was left. */
  async #hand(delivery: Delivery<T>): Promise<boolean> {
    if (!delivery.event) return true;
    const { event, item } = delivery;
    const backoff = new Backoff(1_000, 30_000);
    for (const handler of [...this.#handlers.get(event) ?? []] as Handler<unknown>[]) {
      for (let skipped = false; !skipped;) {
        try {
          const done = handler(item);
          if (done instanceof Object && "then" in done) await (done as PromiseLike<unknown>);
          break;
        } catch (error) {
          const delay = backoff.next();
          if (!this.#handlers.get("error")?.size) report(error);
          this.#emit("error", { error, event, item, attempt: backoff.attempt, skip: () => { skipped = true; } });
          if (!skipped) await this.#handlerPause.wait(delay);
          if (this.#queue.peek() !== delivery) return true;
        }
      }
    }
    return event !== "notification" || !this.#reader || this.#reader.hand(item);
  }

  // ---- small things ----

  #enter(state: NotifyState): void {
    if (this.#state.name === "closed" || (this.#state.name === state.name && state.name !== "retrying")) return;
    this.#state = state;
    this.#emit("state", state);
  }

  #emit<E extends keyof NotifyEvents<T>>(event: E, value: NotifyEvents<T>[E]): void {
    for (const handler of [...this.#handlers.get(event) ?? []] as Handler<NotifyEvents<T>[E]>[]) {
      try { handler(value); } catch (error) { report(error); }
    }
  }

  #invoke<R>(link: Link, method: string, argument: unknown): Promise<R> {
    return within(this.#timeout, link.invoke<R>(method, argument), () => timedOut(method));
  }

  async #groups(method: string, groups: string | readonly string[]): Promise<readonly string[]> {
    return (await this.#invoke<{ groups: readonly string[] }>(this.#link ?? disconnected(), method, { groups: [groups].flat() })).groups;
  }

  async #watchAgain(link: Link): Promise<void> {
    if (this.#link !== link) return;
    try {
      const answer = await this.#invoke<{ topics: readonly PresenceCount[] }>(link, "WatchPresence", { topics: [...this.#watched] });
      for (const { topic, count } of answer.topics) this.#emit("presence", { topic, count });
    } catch (error) {
      if (this.#link !== link) return; // the next connection watches them
      if ((error as NotifyError).kind === "permanent") report(error);
      else setTimeout(() => void this.#watchAgain(link), 1_000 + Math.random() * 4_000);
    }
  }

  // One at a time with Resume: a filter added while Resume is on its way would be in neither. A call that dies with its
  // connection is no refusal when the next Resume carries the change; a durable subscription it does not carry.
  #change(carried: boolean, call: (link: Link | undefined) => Promise<void>, remember: () => void): Promise<void> {
    return this.#changes.take(async () => {
      const link = this.#link;
      try {
        await call(link);
      } catch (error) {
        if (!carried || !link || (error as NotifyError).kind === "permanent" || this.#link === link) throw error;
      }
      remember();
      if (this.#keeper.key) this.#keeper.rename(this.#placeKey());
    });
  }
}

/** A loop over a client. What it was handed is handled when it asks for the next. */
class NotificationReader<T> implements AsyncIterator<Notification<T>> {
  readonly #left: () => void;
  #waiting: ((result: IteratorResult<Notification<T>>) => void) | undefined;
  #failed: ((why: unknown) => void) | undefined;
  #handled: ((handled: boolean) => void) | undefined;
  #ended = false;
  #why: unknown;

  constructor(left: () => void) { this.#left = left; }

  /** Gives it one; true when it was handled, false when the loop was left with it. */
  hand(item: Notification<T>): Promise<boolean> {
    return new Promise(resolve => {
      this.#handled = resolve;
      this.#give(item);
    });
  }

  next(): Promise<IteratorResult<Notification<T>>> {
    return new Promise((resolve, reject) => {
      if (this.#ended && this.#why !== undefined) {
        const why = this.#why;
        this.#why = undefined;
        reject(why);
      } else if (this.#ended) resolve({ done: true, value: undefined });
      else {
        this.#waiting = resolve;
        this.#failed = reject;
        if (this.#item === undefined) this.#settle(true);
        else this.#give(this.#item);
      }
    });
  }

  return(): Promise<IteratorResult<Notification<T>>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  end(why?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#left();
    this.#settle(false);
    if (this.#waiting && why !== undefined) this.#failed!(why);
    else if (this.#waiting) this.#waiting({ done: true, value: undefined });
    else this.#why = why;
  }

  #item: Notification<T> | undefined;

  #give(item: Notification<T>): void {
    this.#item = this.#waiting ? undefined : item;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.({ done: false, value: item });
  }

  #settle(handled: boolean): void {
    const settle = this.#handled;
    this.#handled = undefined;
    settle?.(handled);
  }
}

const closed = (): NotifyError => new NotifyError("permanent", "closed", "The client is closed.");

function disconnected(): never {
  throw new NotifyError("transient", "not_connected", "There is no connection at the moment.");
}

// crypto.randomUUID is for secure contexts alone.
const key = (): string => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), n => n.toString(36)).join("");

function report(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}
