/**
 * `npm run chaos`: the fault matrix of `docs/testing.md` with real processes, the history of many tasks, and the soak. Prints a line for
 * each case, looks for canaries in all that was said, and exits 1 if a case failed or one was found. See `options.ts`.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildGoProgram } from "../interop/go-programs.ts";
import { findCanaries, makeCanaries } from "./canaries.ts";
import { type MatrixRow, readMatrix } from "./matrix.ts";
import { type ChaosOptions, parseOptions } from "./options.ts";
import { runCases, runCovering } from "./run-cases.ts";
import type { ChaosSettings } from "./settings.ts";

process.exitCode = await main().catch((error: Error) => {
  console.error(`chaos: ${error.message}`);
  return 2;
});

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  const rows = rowsOf(options);
  if (options.list) {
    for (const { row, fault, text } of rows) console.log(`${row.padEnd(4)}${fault}\n    ${text}`);
    return 0;
  }
  const settings = makeSettings(options);
  console.log(`chaos: seed ${settings.seed}, logs in ${settings.dir}`);

  const shown = options.soak ? [{ file: "test/chaos/soak.chaos.ts", names: [] }] : rows.flatMap((row) => row.shown);
  const isCase = ({ file }: MatrixRow["shown"][number]): boolean => file.endsWith(".chaos.ts");
  const whole = options.only === undefined && !options.soak;
  let failed = whole || shown.some(isCase) ? await runCases(settings, whole ? [] : shown.filter(isCase)) : 0;
  if (options.only !== undefined) failed += await runCovering(shown.filter((one) => !isCase(one)));

  if ("missing" in settings.go) {
    console.log(`chaos: Go workers: skipped: ${settings.go.missing}`);
    if (process.env.CI) failed++;
  }
  const canaries = await findCanaries(settings.dir, settings.canaries);
  for (const canary of canaries) console.log(`chaos: CANARY: ${canary}`);
  if (canaries.length === 0) console.log("chaos: no secret and no content in anything that was said");
  if (failed + canaries.length > 0) {
    console.log(`chaos: ${failed} failed; again with --seed ${settings.seed}; logs in ${settings.dir}`);
    return 1;
  }
  rmSync(settings.dir, { recursive: true, force: true });
  return 0;
}

function rowsOf({ only }: ChaosOptions): MatrixRow[] {
  const rows = readMatrix();
  if (only === undefined) return rows;
  return only.map((name) => {
    const row = rows.find((one) => one.row === name);
    if (row === undefined) throw new Error(`docs/testing.md has no row ${name}`);
    return row;
  });
}

/** Where chance begins anew each time it begins several times, but once from a seed that was asked for. */
function makeSettings(options: ChaosOptions): ChaosSettings {
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  const times = options.seed !== undefined ? 1 : options.ci ? 3 : 20;
  return {
    dir: mkdtempSync(path.join(tmpdir(), "asynqjs-chaos-")),
    canaries: makeCanaries(),
    seed,
    seeds: Array.from({ length: times }, (_, i) => seed + i),
    tasks: options.tasks,
    minutes: options.minutes,
    ci: options.ci,
    go: buildGoProgram("v0.26.0", (name, ms) => console.log(`chaos: built ${name} (${(ms / 1000).toFixed(1)} s)`)),
  };
}
