import type { Addresses } from "./addresses.js";
import { fromResponse, NotifyError, timedOut, unreachable } from "./errors.js";
import { Backoff } from "./time.js";
import type { Tokens } from "./tokens.js";

export type Query = Record<string, string | number | readonly string[] | undefined>;

export interface CallOptions {
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** The call may be made again after a failure that helps to wait for: it reads, or says the same again. */
  readonly repeat?: boolean;
}

const attempts = 4;

/** Calls of the REST API at the address in use. */
export class Http {
  readonly #addresses: Addresses;
  readonly #tokens: Tokens;
  readonly #identity: Query;
  readonly #limit: number;

  constructor(addresses: Addresses, tokens: Tokens, identity: Query, limit: number) {
    this.#addresses = addresses;
    this.#tokens = tokens;
    this.#identity = identity;
    this.#limit = limit;
  }

  async call<R>(method: string, path: string, options: CallOptions = {}): Promise<R> {
    const backoff = new Backoff(500, 4_000);
    for (;;) {
      try {
        return await this.#once<R>(method, path, options);
      } catch (error) {
        const again = options.repeat && error instanceof NotifyError && error.kind !== "permanent" && backoff.attempt < attempts - 1;
        if (!again || options.signal?.aborted) throw error;
        const delay = Math.max(backoff.next(), error.retryAfter ?? 0);
        await new Promise(resolve => setTimeout(resolve, delay));
      }
    }
  }

  /**
   * Why a WebSocket did not open, which a browser does not say: the same service is asked by a plain request. Nothing,
   * when it answers well: then something between here and there does not let WebSockets through.
   */
  async diagnose(hub: string): Promise<NotifyError | undefined> {
    try {
      const url = new URL(hub);
      url.pathname += "/negotiate";
      url.searchParams.set("negotiateVersion", "1");
      const response = await this.#fetch(url, "POST", {}, await this.#tokens.get());
      return response.ok ? undefined : await fromResponse(response);
    } catch (error) {
      return error as NotifyError;
    }
  }

  async #once<R>(method: string, path: string, options: CallOptions): Promise<R> {
    const url = new URL(`${this.#addresses.current}/api/v1${path}`);
    for (const [name, value] of Object.entries({ ...this.#identity, ...options.query }))
      for (const one of Array.isArray(value) ? value as readonly string[] : [value])
        if (one !== undefined) url.searchParams.append(name, String(one));

    const token = await this.#tokens.get();
    let response = await this.#fetch(url, method, options, token);
    if (response.status === 401 && this.#tokens.renewable) {
      const fresh = token === this.#tokens.value ? await this.#tokens.get(true) : this.#tokens.value;
      if (fresh !== token) response = await this.#fetch(url, method, options, fresh);
    }
    if (!response.ok) throw await fromResponse(response);
    return (response.status === 204 ? undefined : await response.json()) as R;
  }

  async #fetch(url: URL, method: string, { body, signal }: CallOptions, token: string | undefined): Promise<Response> {
    const limit = AbortSignal.timeout(this.#limit);
    try {
      return await fetch(url, {
        method,
        credentials: "include",
        cache: "no-store",
        headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...(token ? { Authorization: `Bearer ${token}` } : {}) },
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw limit.aborted ? timedOut("The answer") : unreachable(error);
    }
  }
}
