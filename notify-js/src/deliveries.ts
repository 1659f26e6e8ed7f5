import type { Place } from "./place.js";
import type { CaughtUp, Gap, Notification } from "./wire.js";

/** What waits for the reader, in the log's order, so that a gap is told between the right notifications. */
export type Delivery<T> = (
  | { readonly event: "notification"; readonly item: Notification<T> }
  | { readonly event: "gap"; readonly item: Gap }
  | { readonly event: "caughtUp"; readonly item: CaughtUp }
  | { readonly event?: undefined }) & {
  /** The place once it has been handled; absent for an ephemeral one. */
  readonly after: Place | undefined;
};

/**
 * The bounded queue between connection and reader. SignalR gives a handler no way to slow the server down, so a full
 * queue ends the connection, and the client resumes when there is room again: the log keeps what is not read.
 */
export class DeliveryQueue<T> {
  readonly #size: number;
  #items: Delivery<T>[] = [];
  #first = 0;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(size: number) { this.#size = size; }

  get length(): number { return this.#items.length - this.#first; }

  /** Set from the moment it is full until it is down to a quarter. */
  get room(): Promise<void> | undefined { return this.#room?.promise; }

  peek(): Delivery<T> | undefined { return this.#items[this.#first]; }

  /** False when it is full: the delivery is not taken, and none should be offered until there is room. */
  add(delivery: Delivery<T>): boolean {
    if (!this.#room && this.length < this.#size) return this.#items.push(delivery) > 0;
    if (!this.#room) {
      let resolve!: () => void;
      this.#room = { promise: new Promise(done => { resolve = done; }), resolve };
    }
    return false;
  }

  remove(): void {
    this.#items[this.#first++] = undefined!;
    if (this.#first > 500 && this.#first * 2 > this.#items.length) this.#drop();
    if (this.length <= this.#size / 4) this.#hasRoom();
  }

  clear(): void {
    this.#first = this.#items.length;
    this.#drop();
    this.#hasRoom();
  }

  #drop(): void {
    this.#items = this.#items.slice(this.#first);
    this.#first = 0;
  }

  #hasRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
