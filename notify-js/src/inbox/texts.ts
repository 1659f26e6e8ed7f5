/** Every text of the component. Replace what you like: `element.texts = { empty: "Nichts Neues" }`. */
export interface InboxTexts {
  /** The heading of the panel. */
  heading: string;
  /** The accessible name of the bell. `count` is a number, or `99+`. */
  bell: (count: string, unread: number) => string;
  tabs: string;
  all: string;
  unread: string;
  markRead: string;
  markUnread: string;
  allRead: string;
  archive: string;
  archived: string;
  unarchive: string;
  undo: string;
  close: string;
  empty: string;
  loading: string;
  more: string;
  end: string;
  offline: string;
  failed: (why: string) => string;
  retry: string;
  arrived: (count: number) => string;
}

export const english: InboxTexts = {
  heading: "Notifications",
  bell: (count, unread) => unread ? `Notifications, ${count} unread` : "Notifications",
  tabs: "Kinds of notifications",
  all: "All",
  unread: "Unread",
  markRead: "Mark as read",
  markUnread: "Mark as unread",
  allRead: "Mark all as read",
  archive: "Archive",
  archived: "Archived",
  unarchive: "Move back",
  undo: "Undo",
  close: "Close",
  empty: "Nothing here",
  loading: "Loading",
  more: "Show more",
  end: "That is all",
  offline: "Offline. What arrives meanwhile comes later.",
  failed: why => `It did not work. ${why}`,
  retry: "Try again",
  arrived: count => count === 1 ? "1 new notification" : `${count} new notifications`,
};

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60],
];

/** "2 hours ago", in a language. */
export function ago(time: Date, now: number, language: string | undefined): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const seconds = Math.min(0, Math.round((time.getTime() - now) / 1000));
  for (const [unit, length] of steps) if (-seconds >= length) return format.format(Math.ceil(seconds / length), unit);
  return format.format(0, "second");
}
