// Prints each notification, and keeps its place in at.json: stop it, publish, start it again, and it prints what it
// missed, once and in order.   node follow.mjs ['orders/#' …]
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

const server = process.env.NOTIFY_URL ?? "http://localhost:5080";
const file = process.env.NOTIFY_AT ?? "at.json";
const topics = process.argv.length > 2 ? process.argv.slice(2) : ["#"];

let at = {}; // { since, epoch }: the last version handled, and of which log
try { at = JSON.parse(readFileSync(file, "utf8")); } catch { /* the first time: from now */ }
const keep = place => {
  Object.assign(at, place);
  writeFileSync(`${file}.next`, JSON.stringify(at));
  renameSync(`${file}.next`, file); // a crash in between leaves the old place whole
};

const connection = new HubConnectionBuilder()
  .withUrl(`${server}/hubs/notifications`)
  .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => Math.random() * 10000 })
  .configureLogging(LogLevel.Warning)
  .build();

connection.on("Notification", n => {
  console.log(`#${n.version ?? "-"} ${n.topic}: ${[n.title, n.body, n.data && JSON.stringify(n.data)].filter(Boolean).join(" · ")}`);
  if (n.version) keep({ since: n.version });
});
connection.on("Gap", g => {
  console.log(`-- versions ${g.since + 1} to ${g.oldest - 1} are gone (${g.reason})`);
  keep({ epoch: g.epoch, since: g.oldest - 1 });
});
connection.on("CaughtUp", p => {
  console.log(`-- live, at version ${p.head}`);
  keep({ since: p.head, epoch: p.epoch });
});
connection.on("Progress", p => keep({ since: p.version, epoch: p.epoch }));

const resume = async () => {
  const answer = await connection.invoke("Resume", { ...at, topics });
  if (at.epoch === undefined) keep({ epoch: answer.epoch, since: at.since ?? answer.since });
};
const start = async () => {
  try {
    await connection.start();
    await resume();
  } catch (error) {
    console.error(error.message);
    if (connection.state !== "Disconnected") return connection.stop(); // and onclose tries again
    again();
  }
};
const again = () => setTimeout(start, Math.random() * 10000); // spread out, so that a restart is not a stampede
connection.onreconnected(() => resume().catch(() => connection.stop()));
connection.onclose(again);
await start();
