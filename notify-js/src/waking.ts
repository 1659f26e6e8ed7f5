/** Why a client should look at its connection. */
export type Wake = "online" | "offline" | "awake";

const tick = 5_000;

/**
 * Tells when the network comes and goes, when a tab is shown or thawed, and when this machine has slept, which a timer
 * notices by being late. Returns what ends it.
 */
export function watchWaking(tell: (why: Wake) => void, leaving: () => void): () => void {
  const offs: (() => void)[] = [];
  let last = Date.now();
  const timer = setInterval(() => {
    const late = Date.now() - last - tick;
    last = Date.now();
    if (late > tick) tell("awake");
  }, tick);
  (timer as { unref?: () => void }).unref?.();
  offs.push(() => clearInterval(timer));

  const listen = (target: EventTarget, event: string, handler: () => void): void => {
    target.addEventListener(event, handler);
    offs.push(() => target.removeEventListener(event, handler));
  };
  if (typeof window !== "undefined" && typeof document !== "undefined") {
    listen(window, "online", () => tell("online"));
    listen(window, "offline", () => tell("offline"));
    listen(window, "pageshow", () => tell("awake"));
    listen(window, "pagehide", leaving);
    listen(document, "resume", () => tell("awake"));
    listen(document, "visibilitychange", () => document.visibilityState === "visible" ? tell("awake") : leaving());
  }
  return () => { for (const off of offs) off(); };
}
