import { vi } from "vitest";
import { NotifyClient } from "../../src/client.js";
import { NotifyError } from "../../src/errors.js";
import type { Link, LinkEvents, LinkOptions } from "../../src/link.js";
import type { NotifyClientOptions } from "../../src/options.js";
import type { Notification } from "../../src/wire.js";

export const epoch = "0198c0de-0000-7000-8000-000000000001";

export const note = (version: number): Notification => ({
  version, id: `id-${version}`, topic: "orders/1", topicSeq: version, body: `n${version}`, priority: "normal",
  publishedAt: "2026-11-23T05:00:00.000Z",
});

export class FakeStorage {
  readonly items = new Map<string, string>();
  broken = false;
  getItem(key: string): string | null {
    if (this.broken) throw new Error("storage is broken");
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    if (this.broken) throw new DOMException("full", "QuotaExceededError");
    this.items.set(key, value);
  }
}

export interface Call { readonly method: string; readonly argument: Record<string, unknown> }

/** A connection whose other side is the test. */
export class FakeLink implements Link {
  readonly calls: Call[] = [];
  stopped = false;
  readonly events: LinkEvents;
  readonly options: LinkOptions;
  answer: (call: Call) => unknown;

  constructor(options: LinkOptions, answer: (call: Call) => unknown) {
    this.options = options;
    this.events = options.events;
    this.answer = answer;
  }

  async invoke<R>(method: string, argument: unknown): Promise<R> {
    const call = { method, argument: argument as Record<string, unknown> };
    this.calls.push(call);
    const result = await this.answer(call);
    this.events.answered(method, result);
    return result as R;
  }

  stop(): void { this.stopped = true; }

  send(...notes: number[]): void { for (const version of notes) this.events.received("Notification", note(version)); }
  caughtUp(head: number, of = epoch): void { this.events.received("CaughtUp", { head, epoch: of }); }
  cut(): void { this.events.closed(new Error("cut")); }
}

/** A service in this process: what a link would talk to, and what `fetch` would. */
export class FakeService {
  readonly links: FakeLink[] = [];
  readonly attempts: string[] = [];
  head = 10;
  /** What opening a connection does: nothing, or fails with this. */
  refuse: ((options: LinkOptions) => unknown) | undefined;
  /** What `fetch` answers. */
  http: (url: URL, init: RequestInit) => Response | Promise<Response> = () => { throw new TypeError("fetch failed"); };
  answer: (call: Call) => unknown = call => {
    if (call.method === "Resume") return { head: this.head, epoch, since: (call.argument["since"] as number | undefined) ?? this.head, topics: call.argument["topics"] ?? [] };
    if (call.method === "Subscribe" || call.method === "Unsubscribe") return { head: this.head, topics: call.argument["topics"] };
    return {};
  };

  constructor() {
    vi.stubGlobal("fetch", async (url: string | URL, init: RequestInit) => this.http(new URL(url), init));
  }

  get link(): FakeLink { return this.links.at(-1)!; }

  client(options: NotifyClientOptions = {}): NotifyClient {
    return new NotifyClient({ url: "https://a.example", storage: null, ...options }, {
      openLink: async o => {
        this.attempts.push(o.url);
        const refusal = this.refuse?.(o);
        if (refusal !== undefined) throw await refusal;
        const link = new FakeLink(o, call => this.answer(call));
        this.links.push(link);
        return link;
      },
    });
  }
}

export const gone = (): NotifyError => new NotifyError("transient", "unreachable", "gone");
export const problem = (status: number, code: string, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify({ code, detail: code }), { status, headers });

/** Lets everything that waits for nothing but its turn run. */
export const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

export const jwt = (claims: Record<string, unknown>): string =>
  ["{}", JSON.stringify(claims)].map(part => Buffer.from(part).toString("base64url")).join(".") + ".sig";
