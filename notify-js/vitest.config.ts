import { defineConfig } from "vitest/config";

// unit: nothing but this package. server: real servers as processes of their own. browser: those and Chromium.
const project = (name: string) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 60_000, hookTimeout: 90_000 },
});

export default defineConfig({
  test: { fileParallelism: false, pool: "forks", projects: [project("unit"), project("server"), project("browser")] },
});
