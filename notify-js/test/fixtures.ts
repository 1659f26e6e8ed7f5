import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, request as httpRequest } from "node:http";
import type { Server as HttpServer } from "node:http";
import { createServer, connect } from "node:net";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const configurations = ["Debug", "Release"].map(name => join(root, `Notify.Server/bin/${name}/net10.0/Notify.Server.dll`));

/** The server's program: as `dotnet test` says, or as it was built last. */
const program = process.env["NOTIFY_SERVER_DLL"] ?? configurations.find(existsSync);

// The server takes variables that begin with its name for settings, and stops at one that it does not know.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("NOTIFY_")));

export const longForm = process.env["NOTIFY_JS_LONG"] === "1";

export async function eventually<R>(what: string, look: () => R | Promise<R>, limit = 30_000): Promise<NonNullable<R>> {
  const end = Date.now() + limit;
  for (let last: unknown; ;) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) { last = error; }
    if (Date.now() > end) throw new Error(`Not within ${limit} ms: ${what}`, { cause: last });
    await sleep(20);
  }
}

export const sleep = (ms: number): Promise<void> => new Promise(done => setTimeout(done, ms));

/** Repeatable randomness (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  return below => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** The real server in a process of its own, on a port and with a data folder of its own that outlive restarts. */
export class Server {
  readonly #folder = mkdtempSync(join(tmpdir(), "notify-js-"));
  readonly #settings: Record<string, string>;
  readonly output: string[] = [];
  #process: ChildProcess | undefined;
  url = "http://127.0.0.1:0";

  private constructor(settings: Record<string, string>) { this.#settings = settings; }

  static async start(settings: Record<string, string> = {}): Promise<Server> {
    const server = new Server(settings);
    await server.start();
    return server;
  }

  get port(): number { return Number(new URL(this.url).port); }

  async start(): Promise<void> {
    if (!program) throw new Error("Build the server first: dotnet build Notify.Server");
    const settings = { "Notify:Storage:SqlitePath": join(this.#folder, "notify.db"), ...this.#settings };
    const child = this.#process = spawn("dotnet",
      [program, `--contentRoot=${dirname(program)}`, `--urls=${this.url}`, ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)],
      { cwd: this.#folder, env: { ...environment, ASPNETCORE_ENVIRONMENT: "Development", ASPNETCORE_URLS: "", DOTNET_gcServer: "0" }, stdio: ["ignore", "pipe", "pipe"] });
    const heard = (bytes: Buffer): void => {
      this.output.push(bytes.toString());
      const url = /Now listening on: (http:\S+)/.exec(bytes.toString());
      if (url) this.url = url[1]!.replace(/\/$/, "");
    };
    child.stdout!.on("data", heard);
    child.stderr!.on("data", heard);
    await eventually("the server is ready", async () => {
      if (child.exitCode !== null) throw new Error(this.output.join(""));
      return this.port > 0 && (await fetch(`${this.url}/health/ready`)).ok;
    }, 120_000);
  }

  /** SIGKILL, or SIGTERM with its orderly end. */
  async stop(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  async publish(fields: Record<string, unknown>, query = ""): Promise<number> {
    const answer = await fetch(`${this.url}/api/v1/notifications${query}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields),
    });
    if (answer.status !== 201 && answer.status !== 202) throw new Error(await answer.text());
    return ((await answer.json()) as { version: number }).version;
  }

  async publishMany(count: number, make: (i: number) => Record<string, unknown>): Promise<void> {
    for (let i = 0; i < count; i += 1000) {
      const notifications = Array.from({ length: Math.min(1000, count - i) }, (_, k) => make(i + k));
      const answer = await fetch(`${this.url}/api/v1/notifications/batch`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ notifications }),
      });
      if (!answer.ok) throw new Error(await answer.text());
      const { results } = await answer.json() as { results: { status: number }[] };
      if (results.some(result => result.status !== 201)) throw new Error(JSON.stringify(results[0]));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export const signingKey = "a-key-of-the-tests-of-at-least-thirty-two-bytes";

/** A token as an application would sign it: for so many seconds from now, or with claims of its own. */
export function token(sub: string, claims: Record<string, unknown> = {}, seconds = 3600): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, iat: now, exp: now + seconds, ...claims })}`;
  return `${signed}.${createHmac("sha256", signingKey).update(signed).digest("base64url")}`;
}

/** Stands between a client and a server: cuts what is open, or lets nothing through. */
export class Proxy {
  readonly #open = new Set<Socket>();
  readonly #server: NetServer;
  down = false;

  private constructor(target: () => number) {
    this.#server = createServer(near => {
      if (this.down) return void near.resetAndDestroy();
      const far = connect(target(), "127.0.0.1");
      for (const socket of [near, far]) {
        this.#open.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => { this.#open.delete(socket); near.destroy(); far.destroy(); });
      }
      near.pipe(far).pipe(near);
    });
  }

  static async start(target: () => number): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string { return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; }

  cut(): void { for (const socket of this.#open) socket.resetAndDestroy(); }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Something on the way that knows HTTP and no WebSockets. */
export class HttpOnlyProxy {
  readonly #target: number;
  #server: HttpServer | undefined;
  constructor(target: number) { this.#target = target; }

  async start(): Promise<string> {
    this.#server = createHttpServer((incoming, outgoing) => {
      const { upgrade: _, ...headers } = incoming.headers;
      const forwarded = httpRequest({ port: this.#target, host: "127.0.0.1", path: incoming.url!, method: incoming.method!, headers: { ...headers, connection: "close" } }, answer => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.on("error", () => outgoing.destroy());
      outgoing.on("close", () => forwarded.destroy());
      incoming.pipe(forwarded);
    });
    this.#server.on("upgrade", (_, socket) => socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    await new Promise<void>(done => this.#server!.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server!.closeAllConnections();
    await new Promise(done => this.#server!.close(done));
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A real nginx before some nodes, one after the other, as any balancer without sticky sessions. */
export async function startNginx(ports: readonly number[], path = "/"): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "notify-js-nginx-"));
  chmodSync(folder, 0o777);
  const port = await freePort();
  writeFileSync(join(folder, "nginx.conf"), `
    daemon off; master_process off; pid nginx.pid; error_log stderr warn;
    events { worker_connections 512; }
    http {
      access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
      map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
      # A node counts as failed until a request to it has ended well, and a WebSocket does not end: without max_fails=0 one
      # client in ten seconds is let in to a node that has just come back.
      upstream notify { least_conn; ${ports.map(p => `server 127.0.0.1:${p} max_fails=0;`).join(" ")} keepalive 64; }
      server {
        listen 127.0.0.1:${port};
        location ${path} {
          proxy_pass http://notify/; proxy_http_version 1.1; proxy_buffering off;
          proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
          proxy_next_upstream error timeout http_503; proxy_read_timeout 1h;
        }
      }
    }`);
  const nginx = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"].find(existsSync) ?? "nginx";
  const command = [nginx, "-p", folder, "-c", "nginx.conf", "-e", "stderr"];
  if (process.getuid?.() === 0) command.unshift("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups");
  const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "inherit", "inherit"] });
  const url = `http://127.0.0.1:${port}${path.replace(/\/$/, "")}`;
  await eventually("nginx answers", async () => (await fetch(`${url}/health/ready`)).ok);
  return {
    url,
    stop: async () => {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
