import { defineConfig } from "vitest/config";

// unit: nothing but this package. server: real servers as processes of their own. browser: those and Chromium.
const project = (name: string) => ({
  test: { name, execArgv: ["--expose-gc"], include: [`test/${name}/**/*.test.ts`], testTimeout: process.env["NOTIFY_JS_LONG"] ? 600_000 : 60_000, hookTimeout: 90_000 },
});

export default defineConfig({
  test: { fileParallelism: false, pool: "forks", execArgv: ["--expose-gc"], projects: [project("unit"), project("server"), project("browser")] },
});
