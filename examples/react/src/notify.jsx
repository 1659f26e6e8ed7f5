import { createContext, useCallback, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { NotifyClient } from "notify-js";

const Context = createContext(undefined);

/** One client for all below it, for as long as these options are the same. `accessToken` is a stable function. */
export function Notify({ url, user, device, accessToken, children }) {
  const [client, setClient] = useState();
  useEffect(() => {
    const mine = new NotifyClient({ url, user, device, accessToken, inbox: true });
    setClient(mine);
    mine.start().catch(() => {}); // the state says so
    return () => mine.close();
  }, [url, user, device, accessToken]);
  return <Context value={client}>{children}</Context>;
}

/** The client; undefined before the first effect, and on a server. */
export const useNotify = () => useContext(Context);

/** What the connection is doing: `{ name: "live" }` and the others. */
export function useNotifyState() {
  const client = useNotify();
  const subscribe = useCallback(changed => client?.on("state", changed) ?? (() => {}), [client]);
  return useSyncExternalStore(subscribe, () => client?.state ?? idle, () => idle);
}

const idle = { name: "idle" };

/** The inbox's counts; undefined until they are known. */
export function useInboxCounts() {
  const client = useNotify();
  const subscribe = useCallback(changed => client?.on("inbox", changed) ?? (() => {}), [client]);
  return useSyncExternalStore(subscribe, () => client?.inbox.current, () => undefined);
}

/** Follows a filter for as long as the component is there; the newest first, at most `keep`. */
export function useNotifications(filter, keep = 50) {
  const client = useNotify();
  const [items, setItems] = useState([]);
  useEffect(() => {
    if (!client) return;
    setItems([]);
    const off = client.on("notification", n => { if (matches(filter, n.topic)) setItems(before => [n, ...before].slice(0, keep)); });
    client.follow(filter).catch(reportError);
    return () => {
      off();
      client.unfollow(filter).catch(() => {});
    };
  }, [client, filter, keep]);
  return items;
}

// One client may follow more than this filter.
function matches(filter, topic) {
  if (topic.startsWith("$")) return false; // the user's own and its groups'
  const wanted = filter.split("/"), segments = topic.split("/");
  if (wanted.at(-1) === "#") return wanted.slice(0, -1).every((one, i) => one === "+" ? i < segments.length : one === segments[i]);
  return wanted.length === segments.length && wanted.every((one, i) => one === "+" || one === segments[i]);
}
