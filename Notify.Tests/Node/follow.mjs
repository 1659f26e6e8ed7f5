// The contract's page in Node, with its one difference: prints what it receives, one JSON object a line.
//   node follow.mjs <server> <json|messagepack> <filter> [since epoch]
// With TRANSPORT it uses that one. With WEBSOCKETS_ONLY it needs no sticky balancer: there is no negotiation that another request must find again.
import { HubConnectionBuilder, HttpTransportType, LogLevel } from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";

const [server, protocol, filter, since, epoch] = process.argv.slice(2);
const at = since === undefined ? {} : { since: Number(since), epoch };
const say = o => console.log(JSON.stringify(o));

const builder = new HubConnectionBuilder()
  .withUrl(`${server}/hubs/notifications`, process.env.WEBSOCKETS_ONLY ? { skipNegotiation: true, transport: HttpTransportType.WebSockets }
    : process.env.TRANSPORT ? { transport: HttpTransportType[process.env.TRANSPORT] } : {})
  .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => Math.random() * 500 })
  .configureLogging(LogLevel.Warning);
if (protocol === "messagepack") builder.withHubProtocol(new MessagePackHubProtocol());
const c = builder.build();

c.on("Notification", n => { say({ notification: n }); if (n.version) Object.assign(at, { since: n.version }); });
c.on("Gap", g => { say({ gap: g }); Object.assign(at, { epoch: g.epoch, since: g.oldest - 1 }); });
c.on("CaughtUp", p => { say({ caughtUp: p }); Object.assign(at, { since: p.head, epoch: p.epoch }); });
c.on("Progress", p => Object.assign(at, { since: p.version, epoch: p.epoch }));
const resume = async () => {
  const answer = await c.invoke("Resume", { ...at, topics: [filter] });
  say({ resumed: answer });
  if (at.epoch === undefined) Object.assign(at, { epoch: answer.epoch, since: at.since ?? answer.since });
};
c.onreconnecting(() => say({ reconnecting: true }));
// In a browser a Resume that is cut off again is a line on the console, and the next reconnect says it once more. Node
// ends the process for a rejection that nobody takes.
c.onreconnected(() => resume().catch(error => say({ cut: error.message })));
c.onclose(error => { say({ closed: String(error ?? "") }); process.exit(1); });
await c.start();
await resume();
