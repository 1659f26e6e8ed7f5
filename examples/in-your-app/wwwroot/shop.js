"use strict";

// What this page has of the log: the next visit gets what came meanwhile.
const at = JSON.parse(localStorage.getItem("notify") ?? "{}");
const keep = part => localStorage.setItem("notify", JSON.stringify(Object.assign(at, part)));

async function begin() {
  const me = await (await fetch("/me")).text();
  document.getElementById("me").textContent = me;

  const hub = new signalR.HubConnectionBuilder()
    .withUrl("/notify/hubs/notifications") // the shop's cookie says who this is
    .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => Math.random() * 10000 })
    .build();
  hub.on("Notification", n => {
    const item = document.createElement("li");
    item.textContent = n.title;
    document.getElementById("notifications").prepend(item);
    if (n.version) keep({ since: n.version });
  });
  hub.on("Gap", g => keep({ epoch: g.epoch, since: g.oldest - 1 }));
  hub.on("CaughtUp", p => keep({ since: p.head, epoch: p.epoch }));
  hub.on("Progress", p => keep({ since: p.version, epoch: p.epoch }));

  const resume = () => hub.invoke("Resume", { ...at, topics: ["news/#"] });
  hub.onreconnected(resume);
  await hub.start();
  await resume();
}

document.getElementById("buy").addEventListener("click", () => fetch("/orders", {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ total: 31.5 }),
}));
begin();
