/** Fails with `late()` when the promise has not settled after so many milliseconds. */
export function within<R>(ms: number, promise: Promise<R>, late: () => Error): Promise<R> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** A wait that can be ended early. */
export class Pause {
  #end: (() => void) | undefined;

  wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => this.end(), ms);
      this.#end = () => {
        clearTimeout(timer);
        this.#end = undefined;
        resolve();
      };
    });
  }

  end(): void { this.#end?.(); }
}

/** Waits with full jitter: evenly between nothing and a limit that doubles, so that clients cut off together come back spread out. */
export class Backoff {
  readonly #first: number;
  readonly #max: number;
  attempt = 0;

  constructor(first: number, max: number) {
    this.#first = first;
    this.#max = max;
  }

  next(): number { return Math.random() * Math.min(this.#max, this.#first * 2 ** Math.min(this.attempt++, 30)); }

  reset(): void { this.attempt = 0; }
}
