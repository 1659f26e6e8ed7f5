// What a client of hey-api is used for: node use-hey-api.js URL
import assert from "node:assert/strict";
import { client } from "./hey-api/client.gen.js";
import { addMember, get, inboxSummary, list, listMembers, patchAttributes, publish, publishToTopic, putGroup } from "./hey-api/sdk.gen.js";

client.setConfig({ baseUrl: process.argv[2]! });

const published = await publish({ body: { topic: "hey-api/1", title: "Order 42", data: { total: 31.5 } } });
assert.equal(published.response!.status, 201);
const version: number | undefined = published.data!.version;
assert.ok(version! > 0);

const text = await publishToTopic({ path: { topic: "hey-api/2" }, query: { title: "Nightly", priority: "high", ttlSeconds: 600 }, body: "Backup done" });
assert.equal(text.response!.status, 201);

const page = (await list({ query: { filter: ["hey-api/#"] } })).data!;
assert.deepEqual(page.items.map(item => [item.topic, item.body, item.priority]),
  [["hey-api/1", undefined, "normal"], ["hey-api/2", "Backup done", "high"]]);
assert.deepEqual(page.items[0]!.data, { total: 31.5 });
assert.equal(page.next, page.head);

const group = { group: "hey-api" };
assert.equal((await putGroup({ path: group })).data!.members, 0);
assert.equal((await addMember({ path: { ...group, user: "bob" } })).response!.status, 204);
assert.deepEqual((await listMembers({ path: group })).data!.items, ["bob"]);

await publish({ body: { group: "hey-api", body: "For its members" } });
const summary = (await inboxSummary({ path: { user: "bob" }, query: { filter: ["$group/hey-api"] } })).data!;
assert.ok(summary.unread >= 1 && summary.atLeast === undefined);
assert.deepEqual(summary.filters, [{ filter: "$group/hey-api", unread: 1, unseen: 1 }]);

assert.equal((await patchAttributes({ path: { user: "bob" }, body: { shift: "night" } })).data!.shift, "night");

const missing = await get({ path: { id: "00000000-0000-0000-0000-000000000000" } });
assert.deepEqual([missing.error!.status, missing.error!.code], [404, "not_found"]);
console.log("hey-api: used");
