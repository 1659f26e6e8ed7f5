// The whole of it with the stock SignalR client: { since, epoch } is all a page has to keep.
"use strict";

const $ = id => document.getElementById(id);
const shown = 500; // entries kept on the page

// In Development ?user=alice&device=phone on the page's own address names who this is.
const here = new URLSearchParams(location.search);
const who = new URLSearchParams([...here].filter(([name]) => name === "user" || name === "device"));
const hub = `hubs/notifications${who.size ? `?${who}` : ""}`;

let topics = ["#"];
let wanted = true;    // whether the person wants to be connected
let catchingUp = true; // what arrives now was missed
let connection;
let historyOf;         // the filters whose stored notifications are on the page

// A version speaks for the filters that were followed when it was obtained: one place for each set of them.
const place = () => `notify:${who}:${[...topics].sort().join(" ")}`;
const read = () => { try { return JSON.parse(localStorage.getItem(place())) ?? {}; } catch { return {}; } };
const keep = part => {
  const at = { ...read(), ...part };
  localStorage.setItem(place(), JSON.stringify(at));
  showPlace(at);
};

function showPlace(at) {
  $("version").textContent = at.since ?? "–";
  $("epoch").textContent = at.epoch?.slice(0, 8) ?? "–";
  $("epoch").title = at.epoch ?? "";
}

function showState(state) {
  $("state").dataset.state = state;
  $("state").textContent = state;
  $("toggle").textContent = wanted ? "Disconnect" : "Connect";
}

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text; // never innerHTML: all of it comes from publishers
  return node;
}

// The server refuses other links, but a page does not rely on that: "javascript:" must not become something to click.
function safeLink(text) {
  try {
    const url = new URL(text, location.href);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : undefined;
  } catch { return undefined; }
}

const history = 50; // stored ones shown when the page is opened

function add(item, isOlder = false) {
  $("empty").hidden = true;
  if (isOlder) $("list").append(item); else $("list").prepend(item);
  while ($("list").children.length > shown) $("list").lastChild.remove();
}

function showNotification(n, isOlder = false) {
  const item = element("li");
  item.dataset.priority = n.priority;
  if (n.version) item.dataset.version = n.version;
  if (n.title) item.append(element("h3", "", n.title));
  if (n.body) item.append(element("p", "", n.body));
  if (n.data !== undefined) item.append(element("pre", "", JSON.stringify(n.data, null, 2)));

  const meta = element("div", "meta");
  meta.append(element("span", "topic", n.topic), element("span", "", n.version ? `#${n.version}` : "ephemeral"));
  const time = element("time", "", new Date(n.publishedAt).toLocaleTimeString());
  time.dateTime = n.publishedAt;
  meta.append(time);
  if (n.priority !== "normal") meta.append(element("span", "", n.priority));
  if (n.type) meta.append(element("span", "", n.type));
  for (const tag of n.tags ?? []) meta.append(element("span", "", `#${tag}`));
  if (n.publisher) meta.append(element("span", "", `by ${n.publisher}`));
  if (catchingUp && !isOlder) meta.append(element("span", "missed", "was missed"));
  const href = n.link && safeLink(n.link);
  if (href) {
    const link = element("a", "", "open");
    link.href = href;
    link.rel = "noopener noreferrer";
    meta.append(link);
  }
  item.append(meta);
  add(item, isOlder);
}

// What was there before the place that this connection goes on from, newest first, below what is on the page already.
async function showHistory(upTo) {
  const query = new URLSearchParams([...who, ...topics.map(filter => ["filter", filter]), ["order", "desc"], ["before", upTo + 1], ["limit", history]]);
  const wanted = historyOf = place();
  try {
    const response = await fetch(`api/v1/notifications?${query}`);
    const page = response.ok ? await response.json() : { items: [] };
    if (historyOf === wanted) for (const n of page.items) showNotification(n, true);
  } catch { if (historyOf === wanted) historyOf = undefined; } // the next connection tries again
}

function showGap(g) {
  const what = g.reason === "epoch" ? "The log is another one; it starts" : `Versions after ${g.since} are no longer kept; it goes on`;
  add(element("li", "mark gap", `${what} at ${g.oldest}.`));
}

function build() {
  const c = new signalR.HubConnectionBuilder()
    .withUrl(hub)
    .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => Math.random() * 10000 })
    .configureLogging(signalR.LogLevel.Warning)
    .build();
  c.on("Notification", n => { showNotification(n); if (n.version) keep({ since: n.version }); });
  c.on("Gap", g => { showGap(g); keep({ epoch: g.epoch, since: g.oldest - 1 }); });
  c.on("CaughtUp", p => { catchingUp = false; c.worked = true; keep({ since: p.head, epoch: p.epoch }); showState("live"); });
  c.on("Progress", p => keep({ since: p.version, epoch: p.epoch }));
  c.onreconnecting(() => { catchingUp = true; showState("reconnecting"); });
  c.onreconnected(() => resume(c).catch(() => c.stop()));
  // The stock client does not come back from a close in good order; while connect() is at it, it is the one to try again.
  c.onclose(() => { if (c === connection && wanted && c.worked) connect(); });
  return c;
}

async function resume(c) {
  const at = read();
  showState("catching up");
  const answer = await c.invoke("Resume", { ...at, topics });
  const now = read(); // the first handlers may have run before this line
  if (now.epoch === undefined) keep({ epoch: answer.epoch, since: now.since ?? answer.since });
  // Of another log everything comes anew, from the oldest on.
  if (historyOf !== place() && (at.epoch ?? answer.epoch) === answer.epoch && answer.since <= answer.head) showHistory(answer.since);
}

// The stock client does not try again when the first start fails: this does.
async function connect() {
  const c = connection = build();
  catchingUp = true;
  showPlace(read());
  for (let limit = 500; wanted && c === connection; limit = Math.min(limit * 2, 10000)) {
    showState("connecting");
    try {
      await c.start();
      await resume(c);
      return;
    } catch (error) {
      if (/HubException: (invalid_|forbidden)/.test(error.message)) return refused(c, error);
      await c.stop();
      await new Promise(done => setTimeout(done, Math.random() * limit));
    }
  }
}

async function disconnect() {
  const c = connection;
  connection = undefined;
  await c?.stop();
}

async function refused(c, error) {
  wanted = false;
  if (c === connection) await disconnect();
  showState("offline");
  add(element("li", "mark gap", error.message.replace(/^.*HubException: /s, "")));
}

$("toggle").onclick = async () => {
  wanted = !wanted;
  if (wanted) return connect();
  await disconnect();
  if (!wanted) showState("offline"); // not before: until the connection is closed, notifications still come
};

$("follow").onsubmit = async event => {
  event.preventDefault();
  topics = [...new Set(event.target.filters.value.split(/\s+/).filter(Boolean))];
  await disconnect();
  if (historyOf !== place()) clear();
  wanted = true;
  await connect();
};

const clear = () => { $("list").replaceChildren(); $("empty").hidden = false; };
$("clear").onclick = clear;

$("publish").onsubmit = async event => {
  event.preventDefault();
  const fields = Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value !== ""));
  const say = text => { $("published").textContent = text; };
  if (fields.data) try { fields.data = JSON.parse(fields.data); } catch { return say("Data is not JSON."); }
  try {
    // A key for each publish, so that a repeat after a lost answer is not stored twice.
    const key = `${Date.now()}-${Math.random()}`;
    const response = await fetch(`api/v1/notifications${who.size ? `?${who}` : ""}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: JSON.stringify(fields),
    });
    const answer = await response.json();
    say(response.ok ? `Stored as version ${answer.version}.` : `${answer.code}: ${answer.detail ?? answer.title}`);
  } catch { say("The service cannot be reached."); }
};

$("curl").textContent = `curl -d "Backup done" \\\n${new URL("api/v1/topics/backups", location.href.split("?")[0])}`;
connect();
