// What a client of openapi-typescript and openapi-fetch is used for: node use-openapi-fetch.js URL
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./openapi-typescript/schema.js";

const client = createClient<paths>({ baseUrl: process.argv[2]! });

const published = await client.POST("/api/v1/notifications", { body: { topic: "openapi-fetch/1", title: "Order 42", data: { total: 31.5 } } });
assert.equal(published.response.status, 201);
const version: number | undefined = published.data!.version;
assert.ok(version! > 0);

// openapi-fetch writes every body as JSON unless it is told how to write it.
const text = await client.POST("/api/v1/topics/{topic}", {
  params: { path: { topic: "openapi-fetch/2" }, query: { title: "Nightly", priority: "high", ttlSeconds: 600 } },
  body: "Backup done",
  headers: { "Content-Type": "text/plain" },
  bodySerializer: body => body as string,
});
assert.equal(text.response.status, 201);

const page = (await client.GET("/api/v1/notifications", { params: { query: { filter: ["openapi-fetch/#"] } } })).data!;
assert.deepEqual(page.items.map(item => [item.topic, item.body, item.priority]),
  [["openapi-fetch/1", undefined, "normal"], ["openapi-fetch/2", "Backup done", "high"]]);
assert.deepEqual(page.items[0]!.data, { total: 31.5 });
assert.equal(page.next, page.head);

const group = { group: "openapi-fetch" };
assert.equal((await client.PUT("/api/v1/groups/{group}", { params: { path: group } })).data!.members, 0);
assert.equal((await client.PUT("/api/v1/groups/{group}/members/{user}", { params: { path: { ...group, user: "alice" } } })).response.status, 204);
assert.deepEqual((await client.GET("/api/v1/groups/{group}/members", { params: { path: group } })).data!.items, ["alice"]);

await client.POST("/api/v1/notifications", { body: { group: "openapi-fetch", body: "For its members" } });
const summary = (await client.GET("/api/v1/users/{user}/inbox/summary", { params: { path: { user: "alice" }, query: { filter: ["$group/openapi-fetch"] } } })).data!;
assert.ok(summary.unread >= 1 && summary.atLeast === undefined);
assert.deepEqual(summary.filters, [{ filter: "$group/openapi-fetch", unread: 1, unseen: 1 }]);

const own = await client.PATCH("/api/v1/users/{user}/attributes", {
  params: { path: { user: "alice" } }, body: { shift: "night" }, headers: { "Content-Type": "application/merge-patch+json" },
});
assert.equal(own.data!.shift, "night");

const missing = await client.GET("/api/v1/notifications/{id}", { params: { path: { id: "00000000-0000-0000-0000-000000000000" } } });
const code: "not_found" | (string & {}) = missing.error!.code;
assert.deepEqual([missing.error!.status, code], [404, "not_found"]);
console.log("openapi-typescript with openapi-fetch: used");
