// The front page: what people publish, the groups, and the log of what the three clients hear. Each client is a frame of its own.
const $ = id => document.getElementById(id);
const form = document.forms.publish, fields = form.elements;
const api = path => new URL(`api/v1/${path}`, location.href.split(/[?#]/)[0]);
const people = [["alice", "Alice"], ["bob", "Bob"]];
const addresses = {
  topic: { label: "Topic", value: "orders/eu/42", known: ["orders/eu/42", "orders/us/7", "ops/disk"] },
  user: { label: "User", value: "alice", known: ["alice", "bob"] },
  group: { label: "Group", value: "team", known: ["team", "on-call"] },
};

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text; // never markup: all of it comes from publishers
  return node;
}

/** A request to the API: its answer, or what to say instead. */
async function send(method, path, body, headers = {}) {
  let response;
  try {
    response = await fetch(api(path), { method, headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  } catch { return { ok: false, status: 0, detail: "The service cannot be reached." }; }
  const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
  return response.ok ? { ok: true, status: response.status, answer } : { ok: false, status: response.status, detail: answer.detail ?? answer.title ?? `HTTP ${response.status}` };
}

/** Changes are sent one after the other: of two that are under way at once, the service may take the later one first. */
let changed = Promise.resolve();
const call = (method, ...rest) => method === "GET" ? send(method, ...rest) : changed = changed.then(() => send(method, ...rest));

// ---- publish ----

const to = () => fields.to.value;
const kept = "notify-publish";

function showAddress() {
  const { label, value, known } = addresses[to()];
  $("address-label").textContent = label;
  fields.address.value = value;
  $("addresses").replaceChildren(...known.map(one => Object.assign(element("option"), { value: one })));
}

/** What the form says, as the API takes it; throws when its data is no JSON. */
function record() {
  const { title, body, data, link, priority } = Object.fromEntries(new FormData(form));
  const n = { [to()]: fields.address.value };
  if (title) n.title = title;
  if (body) n.body = body;
  if (data) n.data = JSON.parse(data);
  if (link) n.link = link;
  if (priority !== "normal") n.priority = priority;
  return n;
}

const quoted = text => `'${text.replaceAll("'", "'\\''")}'`; // for a POSIX shell

function showCurl() {
  addresses[to()].value = fields.address.value;
  try {
    $("curl").textContent = `curl ${api("notifications")} \\\n  --json ${quoted(JSON.stringify(record()))}`;
  } catch { $("curl").textContent = "# Data is not JSON yet."; }
  try { sessionStorage[kept] = JSON.stringify({ ...Object.fromEntries(new FormData(form)), more: document.querySelector("details").open }); } catch { /* for this time only */ }
  lookWhoIsHere();
}

async function publish() {
  const say = text => { $("published").textContent = text; };
  let n;
  try { n = record(); } catch { return say("Data is not JSON."); }
  // A key for each publish, so that a repeat after a lost answer is not stored twice.
  const { ok, detail, answer } = await call("POST", "notifications", n, { "Idempotency-Key": `${Date.now()}-${Math.random()}` });
  say(ok ? `Stored as version ${answer.version}.` : detail);
  log("page", ok ? "published" : "refused", ok ? answer : detail, ok ? "" : "lost");
}

form.oninput = form.onchange = event => {
  if (event.target.name === "to") showAddress();
  showCurl();
};
form.onsubmit = event => {
  event.preventDefault();
  void publish();
};
$("three").onclick = async () => { if (form.reportValidity()) for (let i = 0; i < 3; i++) await publish(); };
$("copy").onclick = async () => {
  try {
    await navigator.clipboard.writeText($("curl").textContent);
    $("copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren($("curl"));
    $("copy").textContent = "Selected";
  }
  setTimeout(() => { $("copy").textContent = "Copy"; }, 2_000);
};

// Who has a connection that follows this topic now.
let looking;
function lookWhoIsHere() {
  clearTimeout(looking);
  looking = setTimeout(async () => {
    const topic = fields.address.value;
    const { ok, answer } = to() === "topic" && topic ? await call("GET", `presence?topic=${encodeURIComponent(topic)}`) : {};
    if (topic !== fields.address.value) return;
    const users = ok ? [...new Set(answer.items.map(item => item.user).filter(Boolean))] : [];
    $("here").textContent = !ok ? "" : users.length ? `Following now: ${users.join(", ")}` : "Nobody follows this topic now";
  }, 200);
}

// ---- groups ----

const members = { team: new Set(), "on-call": new Set() };
const rows = new Map();

for (const [user, name] of people) {
  const item = element("li"), label = element("span", "out", name), toggle = element("button", "", "Join");
  toggle.type = "button";
  toggle.onclick = async () => {
    const joins = !members.team.has(user);
    if (joins && await group("team") === undefined) await call("PUT", "groups/team", {});
    const { ok, detail } = await call(joins ? "PUT" : "DELETE", `groups/team/members/${user}`);
    log("page", ok ? joins ? "joined" : "left" : "refused", ok ? { group: "team", user } : detail, ok ? "" : "lost");
    await lookAtGroups();
  };
  item.append(label, toggle);
  $("team").querySelector(".members").append(item);

  const row = element("tr"), status = element("select"), floor = Object.assign(element("input"), { type: "number", min: -5, max: 200, value: 1 }), member = element("td");
  for (const one of ["away", "on call"]) status.append(element("option", "", one));
  status.setAttribute("aria-label", `Status of ${name}`);
  floor.setAttribute("aria-label", `Floor of ${name}`);
  status.onchange = floor.onchange = async () => {
    const self = { status: status.value, floor: Number(floor.value) };
    const { ok, detail } = await call("PATCH", `users/${user}/attributes/self?user=${user}`, self);
    log("page", ok ? "attributes" : "refused", ok ? { user, self } : detail, ok ? "" : "lost");
    await lookAtGroups();
  };
  row.append(Object.assign(element("th", "", name), { scope: "row" }), element("td"), element("td"), member);
  row.children[1].append(status);
  row.children[2].append(floor);
  $("attributes").append(row);
  rows.set(user, { label, toggle, status, floor, member });
}

/** The group as it is; undefined when there is none, null when nothing answers. */
async function group(name) {
  const { ok, answer } = await call("GET", `groups?prefix=${name}`); // a list, since one that does not exist is no fault here
  return ok ? answer.items.find(one => one.name === name) : null;
}

/** One look at a time; what changes meanwhile is looked at again, also when nothing answers the look at hand. */
let look, again = false;
function lookAtGroups() {
  if (look) {
    again = true;
    return look;
  }
  return look = (async () => {
    do {
      again = false;
      if (await readMembers()) showMembers();
    } while (again);
  })().finally(() => { look = undefined; });
}

/** False when nothing answers. */
async function readMembers() {
  for (const [name, users] of Object.entries(members)) {
    const found = await group(name);
    if (found === null) return false;
    const page = found ? await call("GET", `groups/${name}/members`) : { answer: { items: [] } };
    if (!page.answer) return false;
    users.clear();
    for (const user of page.answer.items) users.add(user);
    if (name !== "on-call") continue;
    $("pending").textContent = found?.pending ? "being worked through" : "";
    if (found?.pending) {
      again = true;
      await new Promise(done => setTimeout(done, 300));
    }
  }
  return true;
}

function showMembers() {
  for (const [user, name] of people) {
    const { label, toggle, member } = rows.get(user), joined = members.team.has(user), isOnCall = members["on-call"].has(user);
    label.className = joined ? "in" : "out";
    toggle.textContent = joined ? "Leave" : "Join";
    toggle.setAttribute("aria-label", `${name}: ${joined ? "leave" : "join"} team`);
    member.className = isOnCall ? "in" : "out";
    member.textContent = isOnCall ? "yes" : "no";
  }
}

document.forms.rule.elements.rule.onkeydown = event => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault(); // a rule is one line, however it wraps
  document.forms.rule.requestSubmit();
};
document.forms.rule.onsubmit = async event => {
  event.preventDefault();
  const rule = document.forms.rule.elements.rule.value;
  const { ok, detail, answer } = await call("PUT", "groups/on-call", { rule });
  $("refused").textContent = ok ? "" : detail;
  log("page", ok ? "rule" : "refused", ok ? answer : detail, ok ? "" : "lost");
  await lookAtGroups();
};

async function lookAtPeople() {
  for (const [user] of people) {
    const { ok, answer } = await call("GET", `users/${user}/attributes`);
    if (!ok || !answer.self) continue;
    const { status, floor } = rows.get(user);
    if (["away", "on call"].includes(answer.self.status)) status.value = answer.self.status;
    if (typeof answer.self.floor === "number") floor.value = answer.self.floor;
  }
  const found = await group("on-call");
  if (found?.rule) document.forms.rule.elements.rule.value = found.rule;
}

// ---- the log ----

const most = 300;
const delivered = new Map(); // the row of a version: one for all clients that get it

function log(from, event, data, kind = "", key) {
  const known = key === undefined ? undefined : delivered.get(key);
  if (known) return void (known.children[1].textContent += ` ${from}`);
  const item = element("li", kind), at = new Date(), time = element("time", "", at.toLocaleTimeString([], { hour12: false }));
  time.dateTime = at.toISOString();
  const text = element("span", "text");
  text.append(element("b", "", event), ` ${typeof data === "string" ? data : JSON.stringify(data)}`);
  item.append(time, element("span", "from", from), text);
  $("log").prepend(item);
  if (key !== undefined) delivered.set(key, item);
  while ($("log").children.length > most) $("log").lastChild.remove();
  if (delivered.size > most) delivered.delete(delivered.keys().next().value);
}

$("clear").onclick = () => {
  $("log").replaceChildren();
  delivered.clear();
};

addEventListener("message", event => {
  if (event.origin !== location.origin || !event.data?.pane) return;
  const { pane, event: what, data } = event.data;
  if (what === "notification") {
    const { notification, replayed } = data;
    log(pane, replayed ? "replayed" : "notification", notification, replayed ? "replayed" : "", replayed ? undefined : notification.version ?? notification.id);
    return;
  }
  if (what !== "following") log(pane, what, data, what === "gap" || data.name === "retrying" || data.name === "failed" ? "lost" : "");
  if (what === "subscriptions" || what === "following") void lookAtGroups();
  if (what === "subscriptions" || what === "following" || what === "caughtUp" || data.name === "closed") lookWhoIsHere();
});

// ---- the beginning ----

try {
  const { more, ...values } = JSON.parse(sessionStorage[kept] ?? "{}");
  if (values.to in addresses) {
    fields.to.value = values.to;
    addresses[values.to].value = values.address;
  }
  showAddress();
  for (const name of ["title", "body", "data", "link", "priority"]) if (name in values) fields[name].value = values[name];
  if (more) document.querySelector("details").open = true;
} catch { showAddress(); }
showMembers();
showCurl();

const me = await call("GET", "users/me?user=alice");
if (me.status === 401 || me.status === 403) {
  $("notice").textContent = "This service wants credentials, so the clients of this page stay outside. Start it in Development without a key to try them.";
  $("notice").hidden = false;
}
await lookAtPeople();
await lookAtGroups();
