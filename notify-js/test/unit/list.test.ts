import { expect, it } from "vitest";
import { InboxList } from "../../src/inbox/list.js";
import type { Inbox, InboxItem, InboxPage, InboxQuery } from "../../src/index.js";

/** An inbox in this process, whose answers the test may hold back. */
class FakeInbox {
  items: InboxItem[] = [];
  rev = 0;
  readonly asked: InboxQuery[] = [];
  hold: Promise<void> | undefined;
  refuse = false;

  add(count = 1): void {
    while (count-- > 0) this.items.unshift({ notification: { version: ++this.rev, id: "", topic: "a", priority: "normal", publishedAt: "2026-11-23T05:00:00.000Z" } });
  }

  async list(query: InboxQuery): Promise<InboxPage> {
    this.asked.push(query);
    const all = this.items.filter(item => item.notification.version < (query.before ?? Infinity)), items = all.slice(0, query.limit);
    const page: InboxPage = {
      items, ...(all.length > items.length ? { next: items.at(-1)!.notification.version } : {}),
      summary: { unread: 0, unseen: 0, head: this.rev, epoch: "e", rev: this.rev },
    };
    await this.hold;
    return page;
  }

  async read({ versions, upTo }: { versions?: number[]; upTo?: number }): Promise<{ rev: number }> {
    await this.hold;
    if (this.refuse) throw new Error("no");
    this.items = this.items.map(item => versions?.includes(item.notification.version) || item.notification.version <= (upTo ?? 0) ? { ...item, readAt: "now" } : item);
    return { rev: ++this.rev };
  }
}

const made = (size = 5): { inbox: FakeInbox; list: InboxList; versions: () => number[] } => {
  const inbox = new FakeInbox(), list = new InboxList(inbox as unknown as Inbox, size, () => {});
  return { inbox, list, versions: () => list.items.map(item => item.notification.version) };
};
const turn = (): Promise<void> => new Promise(done => setTimeout(done));
const down = (from: number, to: number): number[] => Array.from({ length: from - to + 1 }, (_, i) => from - i);

it("joins pages without a gap and without a repeat while new ones arrive between them", async () => {
  const { inbox, list, versions } = made();
  inbox.add(20);
  list.show({});
  await turn();
  list.more();
  await turn();
  expect(versions()).toEqual(down(20, 11));
  inbox.add(3);
  list.refresh();
  await turn();
  expect(versions()).toEqual(down(23, 11)); // what was at the end is still there
  list.more();
  await turn();
  expect(versions()).toEqual(down(23, 6)); // and the next page begins after it
  list.more();
  await turn();
  expect([versions(), list.next]).toEqual([down(23, 1), undefined]);
});

it("begins anew when more has arrived than it looks at, instead of leaving a hole", async () => {
  const { inbox, list, versions } = made();
  inbox.add(8);
  list.show({});
  await turn();
  inbox.add(30);
  list.refresh();
  await turn();
  expect(versions()).toEqual(down(38, 34));
  while (list.next !== undefined) {
    list.more();
    await turn();
  }
  expect(versions()).toEqual(down(38, 1));
});

it("looks once more when something changed while it was looking, and not oftener", async () => {
  const { inbox, list, versions } = made();
  let release!: () => void;
  inbox.hold = new Promise(done => { release = done; });
  list.show({});
  inbox.add();
  for (let i = 0; i < 10; i++) list.refresh();
  inbox.hold = undefined;
  release();
  await turn();
  expect(inbox.asked).toHaveLength(2);
  expect(versions()).toEqual([1]);
});

it("shows a mark at once, keeps it until an answer has it, and takes it back when it is refused", async () => {
  const { inbox, list } = made();
  inbox.add(2);
  list.show({});
  await turn();
  const read = (): boolean[] => list.items.map(item => !!item.readAt);
  let release!: () => void;
  inbox.hold = new Promise(done => { release = done; });
  const marking = list.mark("read", [1]);
  expect(read()).toEqual([false, true]);
  list.refresh(); // answered as it was before the mark
  inbox.hold = undefined;
  release();
  await marking;
  expect(read()).toEqual([false, true]);
  await turn();
  expect(read()).toEqual([false, true]);
  inbox.items = inbox.items.map(({ notification }) => ({ notification })); // unread again, on another device
  inbox.rev++;
  list.refresh();
  await turn();
  expect(read()).toEqual([false, false]);
  inbox.refuse = true;
  expect(await list.mark("read", [2])).toBe(false);
  expect(read()).toEqual([false, false]);
  expect(list.error).toBeDefined();
  list.refresh(); // its answer has nothing to do with why the mark was refused
  await turn();
  expect(list.error).toBeDefined();
  inbox.refuse = false;
  list.retry();
  await turn();
  expect(read()).toEqual([true, false]);
  expect(list.error).toBeUndefined();
  inbox.refuse = true;
  await list.mark("read", [1]);
  list.revisit();
  expect(list.error).toBeUndefined();
});

it("does not take the answer to another tab's question", async () => {
  const { inbox, list, versions } = made();
  let release!: () => void;
  inbox.hold = new Promise(done => { release = done; });
  inbox.add(3);
  list.show({ filter: "old" });
  inbox.hold = undefined;
  inbox.items = inbox.items.slice(0, 1);
  list.show({ filter: "new" });
  await turn();
  release();
  await turn();
  expect(versions()).toEqual([3]);
  expect(list.busy).toBeUndefined();
});
