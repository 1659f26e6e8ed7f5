import { NotifyError, timedOut } from "./errors.js";
import { within } from "./time.js";

/** A bearer token or API key, or what gives one. A provider is asked again before the token expires and when it is refused. */
export type AccessToken = string | (() => string | null | undefined | Promise<string | null | undefined>);

const longestTimer = 2 ** 31 - 1;

/** Holds the token. One question to the provider at a time, whoever asks. */
export class Tokens {
  readonly #source: AccessToken | undefined;
  readonly #limit: number;
  #value: string | undefined;
  #renewAt = -Infinity;
  #asking: Promise<string | undefined> | undefined;

  constructor(source: AccessToken | undefined, limit: number) {
    this.#source = source;
    this.#limit = limit;
  }

  /** The last one that was given. */
  get value(): string | undefined { return this.#value; }

  /** Another token may follow when this one is refused. */
  get renewable(): boolean { return typeof this.#source === "function"; }

  /** Milliseconds until a new one should be had; undefined when there is no such time. */
  get renewIn(): number | undefined {
    return this.renewable && Number.isFinite(this.#renewAt) ? Math.min(longestTimer, Math.max(0, this.#renewAt - Date.now())) : undefined;
  }

  /** The token; `fresh` asks the provider although the one at hand looks good. */
  get(fresh = false): Promise<string | undefined> {
    if (typeof this.#source !== "function") return Promise.resolve(this.#value = this.#source);
    if (!fresh && Date.now() < this.#renewAt) return Promise.resolve(this.#value);
    return this.#asking ??= this.#ask(this.#source).finally(() => { this.#asking = undefined; });
  }

  async #ask(source: () => ReturnType<Extract<AccessToken, () => unknown>>): Promise<string | undefined> {
    let token;
    try {
      token = await within(this.#limit, Promise.resolve(source()), () => timedOut("The access token provider"));
    } catch (error) {
      throw error instanceof NotifyError ? error
        : new NotifyError("transient", "unauthenticated", "The access token provider failed.", { cause: error });
    }
    this.#value = token ?? undefined;
    // A minute before its end, or a fifth of its life when it is a short one. Opaque ones are asked for at each connection.
    const now = Date.now();
    const ends = Number(claims(this.#value)["exp"]) * 1000;
    this.#renewAt = ends > now ? ends - Math.min(60_000, (ends - now) / 5) : -Infinity;
    return this.#value;
  }
}

/** What a JWT says, unverified: for its `exp` and `sub` alone. Nothing, for what is no JWT. */
export function claims(token: string | undefined): Record<string, unknown> {
  try {
    const payload = atob(token!.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, c => c.charCodeAt(0)))) as Record<string, unknown>;
  } catch {
    return {};
  }
}
