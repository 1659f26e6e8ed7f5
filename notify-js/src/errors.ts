/** Whether it helps to try again: `transient`, after a while; `timeout`, too, although the call may have taken effect; `permanent`, no. */
export type ErrorKind = "transient" | "permanent" | "timeout";

/** What went wrong, with the service's `code` (such as `forbidden`) where it gave one. */
export class NotifyError extends Error {
  override readonly name = "NotifyError";
  readonly kind: ErrorKind;
  /** A code of the service, or `unreachable`, `offline`, `closed`, `not_connected`, `timeout`. */
  readonly code: string;
  /** When the service said after how many milliseconds to come back. */
  readonly retryAfter: number | undefined;

  constructor(kind: ErrorKind, code: string, message: string, more: { cause?: unknown; retryAfter?: number | undefined } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.code = code;
    this.retryAfter = more.retryAfter;
  }
}

const transientCodes = ["storage_unavailable", "too_many_requests"];
const codes: Record<number, string> = { 401: "unauthenticated", 403: "forbidden", 404: "not_found" }; // of a proxy, say

export const unreachable = (cause: unknown): NotifyError =>
  new NotifyError("transient", "unreachable", "The service cannot be reached.", { cause });

export const timedOut = (what: string): NotifyError => new NotifyError("timeout", "timeout", `${what} took too long.`);

/** A hub's refusal is `code: what to do`, with SignalR's own words before it. */
export function fromHub(error: unknown): NotifyError {
  if (error instanceof NotifyError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const refusal = /HubException: ([a-z_]+): ([^]*)/.exec(text);
  if (!refusal) return new NotifyError("transient", "closed", text, { cause: error });
  const code = refusal[1]!;
  return new NotifyError(transientCodes.includes(code) ? "transient" : "permanent", code, refusal[2]!, { cause: error });
}

/** An HTTP answer that is not a good one; its body is problem+json, or anything when a proxy wrote it. */
export async function fromResponse(response: Response): Promise<NotifyError> {
  const { status } = response;
  let problem: { code?: unknown; detail?: unknown; title?: unknown } = {};
  try { problem = (await response.json() as typeof problem | null) ?? {}; } catch { /* not JSON */ }
  const code = typeof problem.code === "string" ? problem.code : codes[status] ?? `http_${status}`;
  const after = Number(response.headers.get("Retry-After") ?? NaN);
  return new NotifyError(
    status === 408 || status === 429 || status >= 500 ? "transient" : "permanent",
    code,
    String(problem.detail ?? problem.title ?? `The service answered ${status}.`),
    { retryAfter: after >= 0 ? after * 1000 : undefined });
}
