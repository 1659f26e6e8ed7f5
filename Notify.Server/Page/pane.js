// One client of the front page, in a frame of its own: a user on a device, with its inbox.
import { NotifyClient } from "./notify.js";
import "./notify-inbox.js";

const $ = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const user = query.get("user") ?? "alice", device = query.get("device") ?? "laptop";
const name = parent === window ? `${user} · ${device}` : frameElement.title;
const inbox = document.querySelector("notify-inbox"), filters = document.forms.follow.elements.filters;
const shown = 30;

// What this pane has to remember itself: whether it is offline, and that its user has got a first subscription. Its place the client keeps.
const remembered = `notify-pane:${user}/${device}`;
const memory = (() => { try { return JSON.parse(sessionStorage[remembered] ?? "{}"); } catch { return {}; } })();
const remember = part => { Object.assign(memory, part); try { sessionStorage[remembered] = JSON.stringify(memory); } catch { /* for this time only */ } };

const listed = new Map();   // by version, or id of an ephemeral one
let client, catching = false, away = false, replayed = [], version, followed = [];

document.title = name;
$("name").textContent = name;
for (const part of ["header", "main"]) document.querySelector(part).setAttribute("aria-label", name); // three of each are on the page

const tell = (event, data) => { if (parent !== window) parent.postMessage({ pane: `${user}/${device}`, event, data }, location.origin); };

function connect() {
  const mine = client = new NotifyClient({ url: new URL(".", location.href), user, device, inbox: true });
  client.on("state", state => {
    if (state.name === "catchingUp") {
      catching = true;
      replayed = [];
    } else if (state.name === "retrying" || state.name === "failed") away = true;
    showState(state);
    tell("state", { name: state.name, ...(state.attempt ? { attempt: state.attempt } : {}), ...(state.why ? { why: state.why.message } : {}) });
  });
  client.on("notification", n => {
    if (catching && n.version) replayed.push(n.version);
    add(n, catching);
    showVersion(n.version);
    show();
    tell("notification", { notification: n, replayed: catching });
  });
  client.on("gap", gap => {
    say(`Versions ${gap.since + 1} to ${gap.oldest - 1} are no longer kept`);
    tell("gap", gap);
  });
  client.on("caughtUp", place => {
    catching = false;
    showVersion(place.head);
    if (replayed.length > 1) say(`${replayed.length} replayed, v${replayed[0]} → v${replayed.at(-1)}`);
    else if (replayed.length) say(`1 replayed, v${replayed[0]}`);
    else if (away) say("Back, nothing missed");
    tell("caughtUp", { ...place, replayed: replayed.length });
    away = false;
    void look(mine);
  });
  client.on("inbox", ({ unread, unseen, rev }) => tell("inbox", { unread, unseen, rev }));
  client.on("subscriptions", change => {
    showSubscriptions(change);
    tell("subscriptions", change);
  });
  inbox.client = client;
  client.start().catch(() => {}); // the state says so
}

/** What the user follows, and what came before this page: asked anew on every connection, since both may have changed meanwhile. */
async function look(of) {
  try {
    let topics = await of.subscriptions();
    if (!topics.length && !memory.followed && query.get("follow")) {
      await of.follow(query.get("follow"), { durable: true });
      topics = [query.get("follow")];
    }
    remember({ followed: true });
    const { groups } = await of.me();
    showSubscriptions({ topics, groups });
    tell("following", { topics, groups });
    const page = await of.inbox.list({ limit: shown });
    for (const { notification } of page.items) if (!listed.has(notification.version)) add(notification, false);
    show();
  } catch { /* the next connection looks again */ }
}

function showSubscriptions({ topics, groups }) {
  followed = topics;
  if (document.activeElement !== filters) filters.value = topics.join(" ");
  $("groups").replaceChildren(...groups.map(group => element("li", "", group)));
}

const words = { catchingUp: "catching up", readerBehind: "reader behind", closed: "offline" };

function showState(state) {
  $("state").dataset.state = state.name;
  const seconds = state.name === "retrying" ? Math.ceil((state.when - Date.now()) / 1000) : 0;
  const text = seconds > 0 ? `retrying in ${seconds} s` : words[state.name] ?? state.name;
  if ($("state").textContent !== text) $("state").textContent = text;
  $("state").title = state.why?.message ?? "";
  $("toggle").textContent = state.name === "closed" ? "Go online" : "Go offline";
}

function showVersion(at) {
  if (at === undefined || at === version) return;
  version = at;
  $("version").textContent = `v${at}`;
}

function say(text) {
  $("replay").textContent = text;
  $("replay").hidden = false;
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text; // never markup: all of it comes from publishers
  return node;
}

function add(n, isReplayed) {
  listed.set(n.version ?? n.id, { n, isReplayed, at: n.version ?? version ?? 0 });
}

function show() {
  const items = [...listed.values()].sort((a, b) => b.at - a.at);
  for (const { n } of items.splice(shown)) listed.delete(n.version ?? n.id);
  $("empty").hidden = items.length > 0;
  $("list").replaceChildren(...items.map(({ n, isReplayed }) => {
    const item = element("li", n.priority), meta = element("div", "meta");
    item.append(element("strong", "", n.title ?? n.body ?? n.topic));
    if (n.title && n.body) item.append(element("p", "", n.body));
    meta.append(element("span", "", n.version ? `v${n.version}` : "ephemeral"), element("span", "", n.topic.replace(/^\$(user|group)\//, "$1 ")));
    if (isReplayed) meta.append(element("em", "", "replayed"));
    item.append(meta);
    return item;
  }));
}

$("toggle").onclick = () => {
  const offline = client?.state.name !== "closed";
  remember({ offline });
  $("replay").hidden = true;
  if (!offline) return connect();
  away = true;
  client.close();
};

document.forms.follow.onsubmit = async event => {
  event.preventDefault();
  const wanted = [...new Set(filters.value.split(/\s+/).filter(Boolean))], before = followed;
  const added = wanted.filter(filter => !before.includes(filter)), removed = before.filter(filter => !wanted.includes(filter));
  filters.blur();
  try {
    if (added.length) await client.follow(added, { durable: true });
    if (removed.length) await client.unfollow(removed);
  } catch (error) { say(error.message); }
};
filters.onblur = () => { if (document.forms.follow.elements.filters.value !== followed.join(" ")) void look(client); };

setInterval(() => {
  if (client?.state.name === "retrying") showState(client.state);
  showVersion(client?.place?.since);
}, 500);

if (memory.offline) {
  client = new NotifyClient({ url: new URL(".", location.href), user, device, inbox: true });
  client.close();
  inbox.client = client;
  away = true;
  showState(client.state);
  tell("state", client.state);
} else connect();
