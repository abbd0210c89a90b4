/**
 * `npm run interop`: builds the Go programs, then runs the suites against them; prints for each suite and program whether it ran. What
 * cannot be built is skipped, and with `CI` set such a skip is exit 1; Asynq's CLI, which cannot be built from any registry, is used where it is
 * (`ASYNQ_CLI`, or `asynq` on the PATH). `--record` writes the states in
 * `golden/` anew; other arguments go to vitest: a part of a suite's name.
 * @module
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildGoPrograms } from "./go-programs.ts";

const programs = buildGoPrograms((name, ms) => console.log(`interop: built ${name} (${(ms / 1000).toFixed(1)} s)`));
const config = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const filters = process.argv.slice(2).filter((argument) => argument !== "--record");
const isRecording = filters.length < process.argv.length - 2;
const vitest = spawn("vitest", ["run", "--config", config, ...filters], {
  stdio: "inherit",
  env: {
    ...process.env,
    ASYNQJS_GO_PROGRAMS: JSON.stringify(programs),
    ...(isRecording ? { ASYNQJS_RECORD_GOLDEN: "1" } : {}),
  },
});
const code = await new Promise<number | null>((resolve, reject) => vitest.once("exit", resolve).once("error", reject));
const skipped = Object.values(programs).some((program) => "missing" in program && program.isElsewhere !== true);
process.exitCode = code === 0 && skipped && process.env.CI ? 1 : (code ?? 1);
