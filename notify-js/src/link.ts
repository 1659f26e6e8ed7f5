import { HttpTransportType, HubConnectionBuilder, JsonHubProtocol, LogLevel, MessageType } from "@microsoft/signalr";
import type { HubMessage, ILogger } from "@microsoft/signalr";
import { fromHub, unreachable } from "./errors.js";

/** What a connection tells its client, strictly in the order of the wire. */
export interface LinkEvents {
  /** The server was heard, if only by a ping. */
  heard(): void;
  /** The server has answered a call with a result. */
  answered(method: string, result: unknown): void;
  received(method: string, item: unknown): void;
  closed(error: unknown): void;
}

/** One connection to the hub, from start to close. */
export interface Link {
  invoke<R>(method: string, argument: unknown): Promise<R>;
  /** After this nothing is told any more. */
  stop(): void;
}

/** How to connect: `negotiate` lets SignalR find a transport; otherwise it is a WebSocket without any request before it. */
export interface LinkOptions {
  readonly url: string;
  readonly token: () => string | undefined;
  readonly negotiate: boolean;
  readonly signal: AbortSignal;
  readonly events: LinkEvents;
}

export type OpenLink = (options: LinkOptions) => Promise<Link>;

/** Opens a link by the stock SignalR client. */
export const openLink: OpenLink = async ({ url, token, negotiate, signal, events }) => {
  let over = signal.aborted;
  const connection = new HubConnectionBuilder()
    .withUrl(url, {
      accessTokenFactory: () => token() ?? "",
      ...(negotiate ? {} : { skipNegotiation: true, transport: HttpTransportType.WebSockets }),
    })
    .withHubProtocol(new OrderedProtocol({
      heard: () => { if (!over) events.heard(); },
      answered: (method, result) => { if (!over) events.answered(method, result); },
      received: (method, item) => { if (!over) events.received(method, item); },
    }))
    .configureLogging(LogLevel.None)
    .build();
  const stop = (): void => {
    over = true;
    connection.stop().catch(() => {});
  };
  connection.onclose(error => { if (!over) events.closed(error); });
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (over) throw unreachable("aborted");
    await connection.start();
    return {
      invoke: (method, argument) => connection.invoke(method, argument).catch((error: unknown) => { throw fromHub(error); }),
      stop,
    };
  } catch (error) {
    stop();
    throw unreachable(error);
  } finally {
    signal.removeEventListener("abort", stop);
  }
};

/**
 * SignalR runs handlers at once but gives answers to calls in a later turn, so what follows an answer on the wire can
 * overtake it: a first notification the answer to Resume, new counts the answer to Reauthenticate. The protocol sees
 * everything in order, and so does the client.
 */
class OrderedProtocol extends JsonHubProtocol {
  readonly #events: Omit<LinkEvents, "closed">;
  readonly #calls = new Map<string, string>();

  constructor(events: Omit<LinkEvents, "closed">) {
    super();
    this.#events = events;
  }

  override writeMessage(message: HubMessage): string {
    if (message.type === MessageType.Invocation && message.invocationId) this.#calls.set(message.invocationId, message.target);
    return super.writeMessage(message);
  }

  override parseMessages(input: string, logger: ILogger): HubMessage[] {
    this.#events.heard();
    return super.parseMessages(input, logger).filter(message => {
      if (message.type === MessageType.Completion) {
        const method = this.#calls.get(message.invocationId);
        this.#calls.delete(message.invocationId);
        if (method && !message.error) this.#events.answered(method, message.result);
      }
      if (message.type !== MessageType.Invocation || message.invocationId) return true;
      this.#events.received(message.target, message.arguments[0]);
      return false;
    });
  }
}
