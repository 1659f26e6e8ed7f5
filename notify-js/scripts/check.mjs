// The package as npm would publish it: what is in it, and whether Node, bundlers and TypeScript find their way.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const folder = mkdtempSync(join(tmpdir(), "notify-js-pack-"));
try {
  const [packed] = JSON.parse(run("npm", "pack", "--json", "--pack-destination", folder).replace(/^[^[{]*/, ""));
  const names = packed.files.map(file => file.path).sort();
  const stray = names.filter(name => !/^(dist\/[\w/.-]+\.(js|d\.ts)|LICENSE|README\.md|package\.json)$/.test(name));
  for (const name of ["LICENSE", "README.md", "dist/index.js", "dist/index.d.ts", "dist/inbox/index.js", "dist/inbox/index.d.ts"])
    if (!names.includes(name)) throw new Error(`The package lacks ${name}.`);
  if (stray.length) throw new Error(`The package holds ${stray.join(", ")}.`);
  const tarball = join(folder, packed.filename);
  console.log(run("npx", "--no-install", "publint", "--strict", tarball));
  console.log(run("npx", "--no-install", "attw", "--profile", "esm-only", "--no-emoji", tarball));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
