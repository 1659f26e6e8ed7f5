import { createRequire } from "node:module";
import { afterEach, expect, it } from "vitest";
import { openLink } from "../../src/link.js";
import type { LinkOptions } from "../../src/link.js";
import { eventually, sleep } from "../fixtures.js";

interface Socket { send(text: string): void; on(event: string, handler: (data: unknown) => void): void }
const { Server: WebSocketServer } = createRequire(import.meta.url)("ws") as {
  Server: new (options: object) => { on(event: string, handler: (socket: Socket, request: { headers: Record<string, string> }) => void): void; address(): { port: number } | null; close(): void };
};
const end = "\u001e";
let server: InstanceType<typeof WebSocketServer>;
afterEach(() => server.close());

/** A hub on a real WebSocket that answers a call with one frame of several messages. */
async function hub(answer: (call: { target: string; invocationId: string }) => object[]): Promise<{ url: string; headers: Record<string, string>[]; sockets: Socket[] }> {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const headers: Record<string, string>[] = [], sockets: Socket[] = [];
  server.on("connection", (socket, request) => {
    headers.push(request.headers);
    sockets.push(socket);
    socket.on("message", data => {
      for (const text of String(data).split(end).filter(Boolean)) {
        const message = JSON.parse(text) as { protocol?: string; type: number; target: string; invocationId: string };
        if (message.protocol) socket.send(`{}${end}`);
        else if (message.type === 1) socket.send(answer(message).map(m => JSON.stringify(m) + end).join(""));
      }
    });
  });
  await eventually("it listens", () => server.address());
  return { url: `http://127.0.0.1:${server.address()!.port}/hub`, headers, sockets };
}

function recording(url: string): { told: string[]; options: LinkOptions } {
  const told: string[] = [];
  return {
    told,
    options: {
      url, token: () => "secret", negotiate: false, signal: new AbortController().signal,
      events: { heard: () => {}, answered: method => told.push(`answered ${method}`), received: (method, item) => told.push(`${method} ${JSON.stringify(item)}`), closed: () => told.push("closed") },
    },
  };
}

it("tells answers and what surrounds them in the order of the wire, within one frame", async () => {
  const { url, headers, sockets } = await hub(({ invocationId }) => [
    { type: 1, target: "InboxChanged", arguments: [1] }, { type: 3, invocationId, result: {} }, { type: 1, target: "InboxChanged", arguments: [2] }, { type: 6 },
    { type: 1, target: "Notification", arguments: [3] },
  ]);
  const { told, options } = recording(url);
  const link = await openLink(options);
  expect(headers[0]!["authorization"]).toBe("Bearer secret");
  await link.invoke("Reauthenticate", {});
  expect(told).toEqual(["InboxChanged 1", "answered Reauthenticate", "InboxChanged 2", "Notification 3"]);
  link.stop();
  sockets[0]!.send(`${JSON.stringify({ type: 1, target: "Notification", arguments: [4] })}${end}`);
  await sleep(50);
  expect(told.at(-1)).toBe("Notification 3"); // and not that it was closed
});

it("gives a refusal's code, and says when the service closes", async () => {
  const { url, sockets } = await hub(({ invocationId }) => [
    { type: 3, invocationId, error: "An unexpected error occurred invoking 'Resume' on the server. HubException: forbidden: Ask for a grant of 'a/#'." },
  ]);
  const { told, options } = recording(url);
  const link = await openLink(options);
  await expect(link.invoke("Resume", {})).rejects.toMatchObject({ kind: "permanent", code: "forbidden", message: "Ask for a grant of 'a/#'." });
  expect(told).toEqual([]);
  sockets[0]!.send(`${JSON.stringify({ type: 7, allowReconnect: true })}${end}`);
  await eventually("it says so", () => told.join() === "closed");
});

it("fails when nothing answers, or when it is given up", async () => {
  const { url } = await hub(() => []);
  const aborted = new AbortController();
  aborted.abort();
  await expect(openLink({ ...recording(url).options, signal: aborted.signal })).rejects.toMatchObject({ kind: "transient", code: "unreachable" });
  await expect(openLink(recording("http://127.0.0.1:1/hub").options)).rejects.toMatchObject({ kind: "transient", code: "unreachable" });
});
