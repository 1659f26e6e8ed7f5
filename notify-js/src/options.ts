import type { PlaceStorage } from "./place.js";
import type { AccessToken } from "./tokens.js";

/** How a client connects and what it follows. Times are in milliseconds. */
export interface NotifyClientOptions {
  /** Where the service is, such as `https://notify.example`; several for a service with several addresses. Default: where the page is from. */
  url?: string | URL | readonly (string | URL)[];
  /** A bearer token or API key, or what gives one. A function is asked again on 401 and before the token expires. */
  accessToken?: AccessToken;
  /** The topic filters to follow from the start. Default: none, only what is the user's own. */
  topics?: readonly string[];
  /** Names this device, so that what it has acknowledged is kept apart from the user's other devices. */
  device?: string;
  /** Names the user to a service in Development, which asks for no token. */
  user?: string;
  /** Ask for the inbox's counts: the `inbox` event. Default: false. */
  inbox?: boolean;
  /** Where the place is kept, for all tabs. `null`: nowhere. Default: the browser's `localStorage`; in Node nowhere. */
  storage?: PlaceStorage | null;
  /** Where each tab's own place is kept. Default: the browser's `sessionStorage` when `storage` is left out or the browser's, otherwise nowhere. */
  tabStorage?: PlaceStorage | null;
  /** The place is kept at most this often, and when the page goes; what was handled since comes again after a crash. 0: after each. Default: 250. */
  saveInterval?: number;
  /** The longest wait before the next attempt. Each is drawn evenly from zero to a limit that doubles from 500 up to this. Default: 10,000. */
  maxRetryDelay?: number;
  /** How long an attempt to connect, a call or the token provider may take. Default: 15,000. */
  timeout?: number;
  /** How many notifications may wait for the reader. Further behind, the client lets the connection go and resumes later. Default: 2,000. */
  bufferSize?: number;
}

export function checkedOptions(options: NotifyClientOptions): void {
  for (const [name, least] of [["saveInterval", 0], ["maxRetryDelay", 1], ["timeout", 1], ["bufferSize", 1]] as const)
    if (!((options[name] ?? least) >= least)) throw new RangeError(`${name} is at least ${least}.`);
}

/** The addresses as absolute ones, without a slash at the end. */
export function addressesOf(url: NotifyClientOptions["url"]): string[] {
  const here = typeof location === "object" ? location.href : undefined;
  const all = (Array.isArray(url) ? url : [url ?? (here === undefined ? undefined : new URL(here).origin)]) as readonly (string | URL | undefined)[];
  if (!all.length) throw new TypeError("url names at least one address.");
  return all.map(one => {
    const absolute = one === undefined ? undefined : new URL(String(one), here);
    if (!absolute || !/^https?:$/.test(absolute.protocol)) throw new TypeError("url is an http or https address; outside a page it is absolute.");
    return absolute.origin + absolute.pathname.replace(/\/+$/, "");
  });
}

/** The browser's own storages; a browser that forbids them throws already here. */
export function storagesOf(options: NotifyClientOptions): [PlaceStorage | undefined, PlaceStorage | undefined] {
  const own = (name: "localStorage" | "sessionStorage"): PlaceStorage | undefined => {
    try { return typeof window === "object" ? window[name] : undefined; } catch { return undefined; }
  };
  const shared = options.storage === undefined ? own("localStorage") : options.storage ?? undefined;
  const tab = options.tabStorage === undefined
    ? options.storage === undefined || (shared && shared === own("localStorage")) ? own("sessionStorage") : undefined
    : options.tabStorage ?? undefined;
  return [shared, tab];
}
