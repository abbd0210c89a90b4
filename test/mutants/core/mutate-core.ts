import { writeFileSync } from "node:fs";
import { numberOf, readFlags, refuseFlags } from "../../support/read-flags.ts";
import { instrument } from "./instrument.ts";
import { killAll } from "./kill-all.ts";
import { isKnown } from "./known-survivors.ts";
import { tests } from "./modules.ts";
import { tellReport } from "./report.ts";

const options = {
  only: { type: "string" },
  processes: { type: "string", default: "2" },
  known: { type: "boolean", default: false },
  json: { type: "string" },
} as const;

/**
 * `npm run mutate -- core`: `--only wire/,options` the modules with that in their path, `--processes N` at once, `--known` those too that are
 * known to live, `--json FILE` what became of each. Answers whether nobody lives who is not known, nobody is known who is not there, and of
 * all at least 90 % are killed.
 */
export async function mutateCore(args: readonly string[]): Promise<boolean> {
  const values = readFlags("mutate -- core", options, args);
  const processes = numberOf("mutate -- core", "processes", values.processes, 1);
  const startMs = performance.now();
  const all = await instrument();
  const only = values.only?.split(",");
  const chosen = all.mutants.filter(({ file }) => only?.some((part) => file.includes(part)) ?? true);
  if (chosen.length === 0) refuseFlags("mutate -- core", `no module has "${values.only}" in its path`);
  const outcome = await killAll(
    all.code,
    chosen.filter((mutant) => values.known || !isKnown(mutant)),
    tests,
    processes,
    (line) => console.log(`core: ${line} (${((performance.now() - startMs) / 1000).toFixed(0)} s)`),
  );
  if (values.json !== undefined) {
    const told = chosen.map((mutant) => ({ ...mutant, killed: outcome.kills.get(mutant.id), unreached: outcome.unreached.has(mutant.id) }));
    writeFileSync(values.json, JSON.stringify(told, null, 1));
  }
  return tellReport(chosen, outcome, only === undefined);
}
