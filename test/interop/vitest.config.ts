import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import type { BuiltPrograms } from "./go-programs.ts";
import { TellSuites } from "./tell-suites.ts";

// `npm run interop` builds the programs and says here where they are.
const goPrograms = JSON.parse(process.env.ASYNQJS_GO_PROGRAMS ?? "null") as BuiltPrograms | null;
if (goPrograms === null) throw new Error("run these suites by npm run interop: it builds the Go programs first");

export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["test/interop/*.interop.ts"],
    pool: "forks",
    // More than processors: most of the time they wait for timers of Go.
    maxWorkers: 4,
    // Go's own timers run on the machine's clock: a forwarder, a recoverer at its start, a poll of 1 s.
    testTimeout: 60_000,
    expect: { poll: { timeout: 50_000, interval: 20 } },
    globalSetup: ["test/support/global-redis.ts"],
    provide: { goPrograms },
    reporters: ["default", new TellSuites(goPrograms)],
  },
});
