export { NotifyClient } from "./client.js";
export type { HandlerFailure, NotifyEvents, NotifyState } from "./client.js";
export { NotifyError } from "./errors.js";
export type { ErrorKind } from "./errors.js";
export type { Inbox, InboxQuery, InboxState } from "./inbox.js";
export type { NotifyClientOptions } from "./options.js";
export type { Place, PlaceStorage } from "./place.js";
export type { AccessToken } from "./tokens.js";
export type {
  CaughtUp, Gap, InboxCounts, InboxItem, InboxMark, InboxPage, InboxSummary, Me, Notification, NotificationPage, PresenceChange, PresenceCount,
  PresenceItem, PresencePage, Priority, PublishRequest, PublishResult, SubscriptionsChange,
} from "./wire.js";
