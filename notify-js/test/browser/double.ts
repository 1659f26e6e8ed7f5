import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type { InboxItem, InboxSummary, Notification } from "../../src/index.js";
import { bundles, pageHeaders } from "./browser.js";

interface Socket { send(text: string): void; on(event: string, handler: (data: unknown) => void): void; terminate(): void }
// The one that the SignalR client brings along.
const { Server: WebSocketServer } = createRequire(import.meta.url)("ws") as {
  Server: new (options: object) => { handleUpgrade(request: unknown, socket: unknown, head: unknown, done: (socket: Socket) => void): void };
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
const end = "\u001e";

/** HTTP and the hub's JSON protocol on a real port, and an inbox behind them that a test can bring into any state. */
export class InboxDouble {
  readonly epoch = "0198c0de-0000-7000-8000-000000000001";
  readonly pages = new Map<string, string>();
  readonly scripts = new Map<string, string>();
  readonly requests: string[] = [];
  readonly #items: Mutable<InboxItem>[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #upgrades = new WebSocketServer({ noServer: true });
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #version = 0;
  /** Which requests (`POST /read`) are answered 403, for as long as it is set. */
  refused: RegExp | undefined;
  hold: Promise<void> | undefined;
  holdLists: Promise<void> | undefined;
  down = false;

  async start(): Promise<void> {
    this.#server.on("upgrade", (request, socket, head) => {
      if (this.down) return void socket.destroy();
      this.#upgrades.handleUpgrade(request, socket, head, ws => this.#connected(ws));
    });
    await new Promise<void>(done => this.#server.listen(0, "127.0.0.1", done));
  }

  /** Newest first. */
  get versions(): number[] { return this.#items.map(item => item.notification.version); }

  get url(): string { return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; }

  stop(): void {
    this.cut();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Breaks every connection; none is made while `down`. */
  cut(): void {
    for (const socket of this.#sockets) socket.terminate();
    this.#server.closeAllConnections();
  }

  add(fields: Partial<Notification> = {}, tell = true): number {
    const version = ++this.#version;
    this.#items.unshift({
      notification: {
        id: `id-${version}`, topic: "$user/alice", topicSeq: version, title: `Title ${version}`, priority: "normal",
        publishedAt: new Date(Date.now() - 1000).toISOString(), ...fields, version,
      },
    });
    if (tell) this.tell();
    return version;
  }

  mark(how: string, versions: readonly number[], tell = true): void {
    const at = new Date().toISOString();
    for (const item of this.#items) {
      if (!versions.includes(item.notification.version)) continue;
      if (how === "unread") delete item.readAt;
      else if (how === "unarchive") delete item.archivedAt;
      else item.seenAt ??= at;
      if (how === "read" || how === "archive") item.readAt ??= at;
      if (how === "archive") item.archivedAt = at;
    }
    this.#version++;
    if (tell) this.tell();
  }

  clear(): void {
    this.#items.length = 0;
    this.#version++;
    this.tell();
  }

  summary(filters: readonly string[] = []): InboxSummary {
    const counted = (filter?: string): { unread: number; unseen: number } => {
      const items = this.#items.filter(item => !item.archivedAt && matches(item, filter));
      return { unread: items.filter(item => !item.readAt).length, unseen: items.filter(item => !item.seenAt).length };
    };
    return {
      ...counted(), head: this.#version, epoch: this.epoch, rev: this.#version,
      ...(filters.length ? { filters: filters.map(filter => ({ filter, ...counted(filter) })) } : {}),
    };
  }

  tell(): void { for (const socket of this.#sockets) this.#changed(socket); }

  #changed(socket: Socket): void { this.#send(socket, { type: 1, target: "InboxChanged", arguments: [this.summary()] }); }

  #send(socket: Socket, message: object): void { socket.send(JSON.stringify(message) + end); }

  #connected(socket: Socket): void {
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("message", data => {
      for (const text of String(data).split(end).filter(Boolean)) {
        const message = JSON.parse(text) as { protocol?: string; type?: number; target?: string; invocationId?: string; arguments?: { inbox?: boolean; since?: number }[] };
        if (message.protocol) socket.send(`{}${end}`);
        else if (message.type === 6) this.#send(socket, { type: 6 });
        else if (message.type === 1 && message.target === "Resume") {
          this.#send(socket, { type: 3, invocationId: message.invocationId, result: { head: this.#version, epoch: this.epoch, since: this.#version, topics: [] } });
          this.#send(socket, { type: 1, target: "CaughtUp", arguments: [{ head: this.#version, epoch: this.epoch }] });
          if (!message.arguments?.[0]?.inbox) continue;
          this.#sockets.add(socket); // nothing before the answer to Resume
          this.#changed(socket);
        }
      }
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, this.url), path = url.pathname;
    const send = (status: number, type: string, body: string | Buffer): void => {
      response.writeHead(status, { "Content-Type": type, ...pageHeaders });
      response.end(body);
    };
    if (this.pages.has(path)) return send(200, "text/html; charset=utf-8", this.pages.get(path)!);
    if (this.scripts.has(path)) return send(200, "text/javascript; charset=utf-8", this.scripts.get(path)!);
    if (bundles[path]) return send(200, "text/javascript; charset=utf-8", readFileSync(bundles[path]));
    if (!path.startsWith("/api/v1/users/me/inbox")) return send(404, "text/plain", "");
    const asked = `${request.method} ${path.slice("/api/v1/users/me/inbox".length)}${url.search}`;
    this.requests.push(asked);
    if (this.down) return void response.destroy();
    let body = "";
    for await (const chunk of request) body += chunk as string;
    const answer = async (value: object): Promise<void> => {
      const text = JSON.stringify(value); // as it is now, however late it is answered
      await this.hold;
      send(200, "application/json", text);
    };
    if (this.refused?.test(asked)) return send(403, "application/problem+json", JSON.stringify({ code: "forbidden", detail: "Not allowed today." }));
    const how = path.split("/").at(-1)!;
    if (request.method === "POST") {
      const { versions, upTo, filter } = JSON.parse(body) as { versions?: number[]; upTo?: number; filter?: string };
      this.mark(how, versions ?? this.#items.filter(item => item.notification.version <= upTo! && matches(item, filter)).map(item => item.notification.version), false);
      await answer(this.summary(filter ? [filter] : []));
      return void setTimeout(() => this.tell(), 50); // after the answer, with the same rev
    }
    if (how === "summary") return answer(this.summary(url.searchParams.getAll("filter")));
    await this.holdLists;
    const state = url.searchParams.get("state") ?? "all", filter = url.searchParams.get("filter") ?? undefined;
    const before = Number(url.searchParams.get("before") ?? Infinity), limit = Number(url.searchParams.get("limit") ?? 100);
    const all = this.#items.filter(item => item.notification.version < before && matches(item, filter)
      && (state === "archived" ? item.archivedAt : !item.archivedAt && (state === "all" || !item.readAt)));
    const items = all.slice(0, limit);
    await answer({ items, ...(all.length > limit ? { next: items.at(-1)!.notification.version } : {}), summary: this.summary() });
  }
}

const matches = (item: InboxItem, filter: string | undefined): boolean =>
  !filter || item.notification.topic === filter.replace("$user/me", "$user/alice") || (filter.endsWith("/#") && item.notification.topic.startsWith(filter.slice(0, -1)));
