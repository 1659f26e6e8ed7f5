import type { Inbox, InboxItem, InboxPage, InboxState, InboxSummary, NotifyError } from "../index.js";

export type Mark = "read" | "unread" | "archive" | "unarchive";

const mostAtOnce = 1000;

/**
 * The loaded part of an inbox, newest first, without gaps and without repeats while new ones arrive. It is only ever
 * what the service says; a mark that is on its way is shown as if it were done, until an answer that has it.
 */
export class InboxList {
  readonly #inbox: Inbox;
  readonly #size: number;
  readonly #changed: () => void;
  #items: readonly InboxItem[] = [];
  #marks: { readonly how: Mark; readonly versions: ReadonlySet<number>; rev?: number }[] = [];
  #query: { filter?: string; state?: InboxState } = {};
  #shown = 0;
  #again = false;
  #refused: { readonly error: NotifyError; readonly repeat: () => Promise<boolean> } | undefined;
  /** What it waits for: the first page or a look at all of it anew, an older page, or nothing. */
  busy: "loading" | "more" | undefined;
  loaded = false;
  /** Why the last look failed. */
  failed: NotifyError | undefined;
  next: number | undefined;
  /** The version up to which the list is what the inbox was. */
  head = 0;

  constructor(inbox: Inbox, size: number, changed: () => void) {
    this.#inbox = inbox;
    this.#size = size;
    this.#changed = changed;
  }

  get items(): readonly InboxItem[] {
    return this.#marks.reduce<readonly InboxItem[]>((items, { how, versions }) => {
      if (how === "archive" || (how === "unarchive" && this.#query.state === "archived")) return items.filter(item => !versions.has(item.notification.version));
      return items.map(item => {
        if (!versions.has(item.notification.version) || how === "unarchive") return item;
        const { readAt, ...unread } = item;
        return how === "read" ? { ...unread, readAt: readAt ?? new Date().toISOString() } : unread;
      });
    }, this.#items);
  }

  /** Why the last mark was refused, until it is repeated or the list revisited, or else why the list could not be read. */
  get error(): NotifyError | undefined { return this.#refused?.error ?? this.failed; }

  /** Another part of the inbox. */
  show(query: { filter?: string; state?: InboxState }): void {
    this.#shown++;
    this.#refused = undefined;
    this.#query = query;
    this.#items = [];
    this.next = this.busy = undefined;
    this.loaded = this.#again = false;
    this.refresh();
  }

  /** Looks anew at all that is loaded: something has arrived, or has been marked anywhere. One look at a time. */
  refresh(): void {
    if (this.busy) this.#again = true;
    else void this.#load("loading", async () => {
      const page = await this.#inbox.list({ ...this.#query, limit: Math.min(mostAtOnce, Math.max(this.#size, this.#items.length)) });
      return () => {
        // What is older than this page stays, when it joins it.
        const last = page.items.at(-1)?.notification.version;
        const older = page.next !== undefined && last !== undefined && this.#items.some(item => item.notification.version >= last)
          ? this.#items.filter(item => item.notification.version < page.next!) : [];
        this.#items = [...page.items, ...older];
        if (!older.length) this.next = page.next;
        this.head = page.summary.head;
        this.#settle(page);
        this.loaded = true;
      };
    });
  }

  /** The next older page. */
  more(): void {
    const before = this.next;
    if (before === undefined || this.busy) return;
    void this.#load("more", async () => {
      const page = await this.#inbox.list({ ...this.#query, limit: this.#size, before });
      return () => {
        this.#items = [...this.#items, ...page.items.filter(item => item.notification.version < before)];
        this.next = page.next;
      };
    });
  }

  /** Does again what failed: the mark, or else the look. */
  retry(): void {
    if (this.#refused) void this.#refused.repeat();
    else this.refresh();
  }

  /** Looks anew for a person who comes back, and who no longer asks for the mark that was refused. */
  revisit(): void {
    this.#refused = undefined;
    this.refresh();
  }

  /** Whether the service has taken it. */
  mark(how: Mark, versions: readonly number[]): Promise<boolean> {
    return this.#marking(how, versions, () => this.#inbox[how]({ versions }));
  }

  /** Marks all that the list was about as read, and nothing that has arrived since. */
  allRead(): Promise<boolean> {
    const { filter } = this.#query, upTo = this.head;
    return this.#marking("read", this.#items.map(item => item.notification.version), () => this.#inbox.read({ upTo, ...(filter ? { filter } : {}) }));
  }

  async #marking(how: Mark, versions: readonly number[], call: () => Promise<InboxSummary>): Promise<boolean> {
    const shown = this.#shown;
    const mark: { how: Mark; versions: ReadonlySet<number>; rev?: number } = { how, versions: new Set(versions) };
    this.#marks.push(mark);
    this.#refused = undefined;
    this.#changed();
    try {
      mark.rev = (await call()).rev;
      this.refresh();
      return true;
    } catch (error) {
      this.#marks = this.#marks.filter(other => other !== mark);
      if (shown === this.#shown) this.#refused = { error: error as NotifyError, repeat: () => this.#marking(how, versions, call) };
      this.#changed();
      return false;
    }
  }

  async #load(busy: "loading" | "more", load: () => Promise<() => void>): Promise<void> {
    const shown = this.#shown;
    this.busy = busy;
    this.#changed();
    let error: NotifyError | undefined;
    try {
      const apply = await load();
      if (shown !== this.#shown) return;
      apply();
    } catch (failure) {
      if (shown !== this.#shown) return;
      error = failure as NotifyError;
    }
    this.failed = error;
    this.busy = undefined;
    if (this.#again) {
      this.#again = false;
      if (!error) return this.refresh();
    }
    this.#changed();
  }

  #settle(page: InboxPage): void {
    this.#marks = this.#marks.filter(mark => mark.rev === undefined || mark.rev > page.summary.rev);
  }
}
