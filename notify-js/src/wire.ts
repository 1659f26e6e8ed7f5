// What is on the wire, as docs/protocol.md has it. Absent values are left out, times are RFC 3339.

export type Priority = "low" | "normal" | "high" | "urgent";

/** A notification. Ephemeral ones have no `version` and no `topicSeq`: they reach who is live and are not stored. */
export interface Notification<T = unknown> {
  readonly version?: number;
  readonly id: string;
  readonly topic: string;
  readonly topicSeq?: number;
  readonly type?: string;
  readonly title?: string;
  readonly body?: string;
  readonly data?: T;
  readonly priority: Priority;
  readonly tags?: readonly string[];
  readonly link?: string;
  readonly publisher?: string;
  readonly publishedAt: string;
  readonly expiresAt?: string;
  readonly ephemeral?: boolean;
}

/** What to publish: one of `topic`, `group` and `user`, and at least one of `title`, `body` and `data`. */
export interface PublishRequest<T = unknown> {
  topic?: string;
  group?: string;
  user?: string;
  type?: string;
  title?: string;
  body?: string;
  data?: T;
  priority?: Priority;
  tags?: readonly string[];
  link?: string;
  ttlSeconds?: number;
  ephemeral?: boolean;
  /** Default: a key of its own for each call, so that a repeat after a lost answer is not stored twice. */
  idempotencyKey?: string;
}

/** `version` is absent for an ephemeral one. */
export interface PublishResult {
  readonly id: string;
  readonly version?: number;
  readonly topic: string;
  readonly publishedAt: string;
}

/** Versions that will not come: no longer kept (`retention`), or the log is another one (`epoch`). What follows starts at `oldest`. */
export interface Gap {
  readonly since: number;
  readonly oldest: number;
  readonly head: number;
  readonly epoch: string;
  readonly reason: "retention" | "epoch";
}

/** Everything up to `head` has been handed over. */
export interface CaughtUp {
  readonly head: number;
  readonly epoch: string;
}

/** A page of stored notifications. Oldest first `next` is the `since` of the next page, newest first its `before`. */
export interface NotificationPage<T = unknown> {
  readonly items: readonly Notification<T>[];
  readonly next?: number;
  readonly head: number;
  readonly epoch: string;
  readonly gap?: Gap;
}

/** The counts of the user's inbox as they were at version `rev` of the log. */
export interface InboxCounts {
  readonly unread: number;
  readonly unseen: number;
  readonly head: number;
  readonly epoch: string;
  readonly rev: number;
  /** The counts are lower bounds. */
  readonly atLeast?: boolean;
}

export interface InboxSummary extends InboxCounts {
  /** Counts of their own for the filters that were asked for. */
  readonly filters?: readonly { readonly filter: string; readonly unread: number; readonly unseen: number }[];
}

export interface InboxItem<T = unknown> {
  readonly notification: Notification<T> & { readonly version: number };
  readonly seenAt?: string;
  readonly readAt?: string;
  readonly archivedAt?: string;
}

/** `next`, absent at the end, is the `before` of the next page. */
export interface InboxPage<T = unknown> {
  readonly items: readonly InboxItem<T>[];
  readonly next?: number;
  readonly summary: InboxSummary;
}

/** Which items a mark is for: these versions (1 to 1,000), or everything up to one. */
export type InboxMark = ({ versions: readonly number[] } | { upTo: number }) & { filter?: string };

export interface PresenceCount {
  readonly topic: string;
  readonly count: number;
  /** Absent above 100 people. */
  readonly users?: readonly string[];
}

/** Somebody came to or left a watched topic, or only their number changed. */
export interface PresenceChange {
  readonly topic: string;
  readonly count: number;
  readonly user?: string;
  readonly event?: "join" | "leave";
}

/** A connection that follows a topic, on any node. */
export interface PresenceItem {
  readonly user?: string;
  readonly device?: string;
  readonly connectedAt: string;
}

/** `next`, absent at the end, is the `after` of the next page. `partial`: a node did not answer. */
export interface PresencePage {
  readonly topic: string;
  readonly count: number;
  readonly items: readonly PresenceItem[];
  readonly next?: string;
  readonly partial?: boolean;
}

/** The user's durable subscriptions and groups, after a change on any device. */
export interface SubscriptionsChange {
  readonly topics: readonly string[];
  readonly groups: readonly string[];
}

/** Who the service takes the caller for, and what it may. */
export interface Me {
  readonly user?: string;
  readonly device?: string;
  readonly admin: boolean;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly join: readonly string[];
  readonly groups: readonly string[];
  readonly tokenGroups: readonly string[];
}

/** The answer to the hub's Resume. */
export interface ResumeResult {
  readonly head: number;
  readonly epoch: string;
  readonly since: number;
  readonly topics: readonly string[];
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly tokenGroups?: readonly string[];
}
