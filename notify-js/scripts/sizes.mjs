// What a page loads, compressed as by any web server, and the bounds of it.
//   node scripts/sizes.mjs [folder of the bundles]
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const folder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "../../Notify.Server/Page");
const size = name => gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;

const client = size("notify.js");
const sizes = [["client with SignalR", client, 18 * 1024], ["client and inbox component", client + size("notify-inbox.js"), 30 * 1024]];
for (const [what, bytes, bound] of sizes) {
  console.log(`${what}: ${(bytes / 1024).toFixed(1)} KB of ${bound / 1024} (gzip)`);
  if (bytes > bound) process.exitCode = 1;
}
