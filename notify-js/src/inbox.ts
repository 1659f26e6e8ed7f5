import type { Http } from "./http.js";
import { Turns } from "./turns.js";
import type { InboxMark, InboxPage, InboxSummary } from "./wire.js";

export type InboxState = "unread" | "all" | "archived";

export interface InboxQuery {
  /** Default: `all`, which archived ones are not in. */
  state?: InboxState;
  filter?: string;
  /** The `next` of the page before. */
  before?: number;
  limit?: number;
  signal?: AbortSignal;
}

/** The user's inbox: what came to the user, the user's groups and durable subscriptions. Marks take effect in the order of the calls. */
export class Inbox<T = unknown> {
  readonly #http: Http;
  readonly #changed: (summary: InboxSummary) => void;
  readonly #connected: () => boolean;
  readonly #turns = new Turns();
  #current: InboxSummary | undefined;
  #generation = 0;

  /** @internal */
  constructor(http: Http, connected: () => boolean, changed: (summary: InboxSummary) => void) {
    this.#http = http;
    this.#connected = connected;
    this.#changed = changed;
  }

  /** The newest counts that are known, from whatever tab, device or call they came. */
  get current(): InboxSummary | undefined { return this.#current; }

  /** A page of items, newest first. */
  async list({ signal, ...query }: InboxQuery = {}): Promise<InboxPage<T>> {
    const generation = this.#generation;
    const page = await this.#http.call<InboxPage<T>>("GET", "/users/me/inbox", { query, signal, repeat: true });
    this.#take(page.summary, generation);
    return page;
  }

  /** The counts, also for up to ten filters of their own. */
  async summary(filters: readonly string[] = []): Promise<InboxSummary> {
    const generation = this.#generation;
    const summary = await this.#http.call<InboxSummary>("GET", "/users/me/inbox/summary", { query: { filter: filters }, repeat: true });
    this.#take(summary, generation);
    return summary;
  }

  read(mark: InboxMark): Promise<InboxSummary> { return this.#mark("read", mark); }
  unread(mark: InboxMark & { versions: readonly number[] }): Promise<InboxSummary> { return this.#mark("unread", mark); }
  seen(mark: InboxMark): Promise<InboxSummary> { return this.#mark("seen", mark); }
  archive(mark: InboxMark): Promise<InboxSummary> { return this.#mark("archive", mark); }
  unarchive(mark: InboxMark & { versions: readonly number[] }): Promise<InboxSummary> { return this.#mark("unarchive", mark); }

  /** @internal The service says so on the connection. */
  signal(counts: InboxSummary): void {
    if (this.#current?.epoch !== counts.epoch) this.drop();
    this.#take(counts, this.#generation);
  }

  /** @internal What is known, and what was asked for so far, was counted for another token or another log. */
  drop(): void {
    this.#generation++;
    this.#current = undefined;
  }

  // One after the other: of two marks that are on their way at once, the service may take the later one first.
  #mark(how: string, mark: InboxMark): Promise<InboxSummary> {
    return this.#turns.take(async () => {
      const generation = this.#generation;
      const summary = await this.#http.call<InboxSummary>("POST", `/users/me/inbox/${how}`, { body: mark, repeat: true });
      this.#take(summary, generation);
      return summary;
    });
  }

  // Answers of nodes and tabs come in any order. `rev` says how much of the log is counted; with the same rev only what
  // expired makes a difference, so the exact one is better than a lower bound, and then the one with fewer.
  #take(summary: InboxSummary, generation: number): void {
    const known = this.#current;
    if (generation !== this.#generation) return;
    if (known && known.epoch !== summary.epoch && this.#connected()) return;
    if (known && known.epoch === summary.epoch) {
      const newer = summary.rev - known.rev || Number(!!known.atLeast) - Number(!!summary.atLeast)
        || known.unread - summary.unread || known.unseen - summary.unseen;
      if (newer < 0) return;
      if (newer === 0) {
        if (summary.filters) this.#current = summary;
        return;
      }
    }
    this.#current = summary;
    this.#changed(summary);
  }
}
