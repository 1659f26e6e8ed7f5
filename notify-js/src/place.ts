import type { CaughtUp, Gap, ResumeResult } from "./wire.js";

/** Where a client is in the log: everything up to version `since` of the log with this `epoch`. */
export interface Place {
  readonly since: number;
  readonly epoch: string;
}

/**
 * Where the connection is: what the next Resume says. It runs ahead of what is kept by what waits for the reader.
 */
export class ReceivedPlace {
  since: number | undefined;
  epoch: string | undefined;

  constructor(start?: Place) {
    this.since = start?.since;
    this.epoch = start?.epoch;
  }

  get place(): Place | undefined {
    return this.since === undefined || this.epoch === undefined ? undefined : { since: this.since, epoch: this.epoch };
  }

  /**
   * Only a first Resume teaches the epoch. When the log was replaced the old epoch stands until the Gap: taken over
   * earlier, a connection lost before the Gap would hide the change for good.
   */
  resumed(answer: ResumeResult): void {
    this.epoch ??= answer.epoch;
    this.since ??= answer.since;
  }

  /** True for a version that it did not have. */
  advance(version: number): boolean {
    if (this.since !== undefined && version <= this.since) return false;
    this.since = version;
    return true;
  }

  reached({ head, epoch }: CaughtUp): void {
    this.since = Math.max(head, this.since ?? 0);
    this.epoch = epoch;
  }

  /** In another epoch this may be below the old number. */
  skipped(gap: Gap): void {
    this.since = gap.oldest - 1;
    this.epoch = gap.epoch;
  }
}

/** Keeps strings by key, as `localStorage` does; may be asynchronous. */
export interface PlaceStorage {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>;
  setItem(key: string, value: string): void | Promise<void>;
}

/**
 * Keeps the place of what has been handled. A tab goes on at its own place; a new one begins at the newest that any tab
 * has handled for the same filters. A storage that throws (private mode, full) costs the memory of the place and nothing else.
 */
export class PlaceKeeper {
  readonly #shared: PlaceStorage | undefined;
  readonly #tab: PlaceStorage | undefined;
  readonly #interval: number;
  #key = "";
  #saved: Place | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  current: Place | undefined;

  constructor(shared: PlaceStorage | undefined, tab: PlaceStorage | undefined, interval: number) {
    this.#shared = shared;
    this.#tab = tab;
    this.#interval = interval;
  }

  get key(): string { return this.#key; }

  /** Goes on at what is kept under a key. */
  async load(key: string): Promise<void> {
    this.save();
    this.#key = key;
    this.#saved = this.current = await read(this.#tab, key) ?? await read(this.#shared, key);
  }

  /** The same place under another key: the filters have changed, and from here on it speaks for them. */
  rename(key: string): void {
    if (key === this.#key) return;
    this.save();
    this.#key = key;
    this.#saved = undefined;
    this.save();
  }

  move(place: Place): void {
    this.current = place;
    if (this.#interval <= 0) this.save();
    else this.#timer ??= setTimeout(() => this.save(), this.#interval);
  }

  save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const place = this.current;
    if (!place || !this.#key || (place.since === this.#saved?.since && place.epoch === this.#saved.epoch)) return;
    const before = this.#saved;
    this.#saved = place;
    const text = JSON.stringify(place);
    write(this.#tab, this.#key, text);
    if (this.#shared) void this.#share(this.#shared, this.#key, place, text, before);
  }

  // Another tab may be further on. In another epoch numbers do not compare: the tab that has just come to it says so.
  async #share(storage: PlaceStorage, key: string, place: Place, text: string, before: Place | undefined): Promise<void> {
    if (this.#tab) {
      const theirs = read(storage, key);
      const newest = theirs instanceof Promise ? await theirs : theirs;
      if (newest && (newest.epoch === place.epoch ? newest.since >= place.since : before?.epoch === place.epoch)) return;
    }
    write(storage, key, text);
  }
}

function read(storage: PlaceStorage | undefined, key: string): Place | undefined | Promise<Place | undefined> {
  try {
    const text = storage?.getItem(key);
    return text instanceof Promise ? text.then(parse, () => undefined) : parse(text);
  } catch {
    return undefined;
  }
}

function parse(text: string | null | undefined): Place | undefined {
  try {
    const place = JSON.parse(text ?? "null") as Partial<Place> | null;
    return Number.isSafeInteger(place?.since) && typeof place?.epoch === "string" ? { since: place.since!, epoch: place.epoch } : undefined;
  } catch {
    return undefined;
  }
}

function write(storage: PlaceStorage | undefined, key: string, text: string): void {
  try {
    const done = storage?.setItem(key, text);
    if (done instanceof Promise) done.catch(() => {});
  } catch { /* without memory it still follows */ }
}
