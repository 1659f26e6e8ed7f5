const failuresThatOpen = 5;

/**
 * The addresses of the service: the one that worked stays, the next one comes on failure. An address that failed five
 * times in a row rests for a while (a circuit breaker): nobody waits for a dead one on every turn, and it is not
 * hammered while it starts.
 */
export class Addresses {
  readonly #all: { readonly url: string; failures: number; restsUntil: number }[];
  readonly #rest: number;
  #at = 0;

  constructor(urls: readonly string[], rest: number) {
    this.#all = urls.map(url => ({ url, failures: 0, restsUntil: 0 }));
    this.#rest = rest;
  }

  get count(): number { return this.#all.length; }

  /** The one in use: of the last connection, or of the next. */
  get current(): string { return this.#all[this.#at]!.url; }

  worked(): void { this.#all[this.#at]!.failures = 0; }

  /** Moves on to the next address that does not rest, or else to the one whose rest ends first. */
  failed(now: number): void {
    const failed = this.#all[this.#at]!;
    if (++failed.failures >= failuresThatOpen) failed.restsUntil = now + this.#rest * (0.5 + Math.random() / 2);
    let best = this.#at;
    for (let i = 1; i <= this.#all.length; i++) {
      const candidate = (this.#at + i) % this.#all.length;
      if (this.#all[candidate]!.restsUntil <= now) {
        best = candidate;
        break;
      }
      if (this.#all[candidate]!.restsUntil < this.#all[best]!.restsUntil) best = candidate;
    }
    this.#at = best;
  }

  /** For how long the current address is still to be left alone. */
  resting(now: number): number { return Math.max(0, this.#all[this.#at]!.restsUntil - now); }

  /** The network is another one: what was learned about it is void. */
  forget(): void {
    for (const address of this.#all) address.failures = address.restsUntil = 0;
  }
}
