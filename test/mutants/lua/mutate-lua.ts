import { writeFileSync } from "node:fs";
import { seededRandom } from "@asynqjs/core/testing";
import { numberOf, readFlags } from "../../support/read-flags.ts";
import { allMutants, type ToldMutant } from "./all-mutants.ts";
import { killAll } from "./kill-all.ts";
import { isOf, knownSurvivors } from "./known-survivors.ts";
import { tellReport } from "./report.ts";

const options = {
  only: { type: "string" },
  sample: { type: "string" },
  seed: { type: "string" },
  steps: { type: "string", default: "2000" },
  known: { type: "boolean", default: false },
  json: { type: "string" },
} as const;

/**
 * `npm run mutate -- lua`: `--only settle,owns` the Lua of these names, `--sample 40` some mutants of all that are not known to mean
 * the same, `--seed 7` those of a run that printed it, `--steps N` of the model for
 * each that the tests let live, `--known` those too that mean the same, `--json FILE` what became of each. Answers whether nobody lives who is
 * not known, and nobody is known who does not live.
 */
export async function mutateLua(args: readonly string[]): Promise<boolean> {
  const values = readFlags("mutate -- lua", options, args);
  const steps = numberOf("mutate -- lua", "steps", values.steps, 1);
  const all = allMutants(values.only?.split(","));
  const known = new Set(all.filter((mutant) => knownSurvivors.some((one) => isOf(mutant, one))).map(({ id }) => id));
  const drawn = values.sample === undefined ? 1 : Math.floor(Math.random() * 2 ** 31);
  const seed = numberOf("mutate -- lua", "seed", values.seed ?? String(drawn));
  let chosen = all;
  if (values.sample !== undefined) {
    const from = values.known ? all : all.filter(({ id }) => !known.has(id));
    chosen = sampleOf(from, numberOf("mutate -- lua", "sample", values.sample, 1), seed);
    console.log(`lua: ${chosen.length} of ${from.length} mutants: --sample ${values.sample} --seed ${seed}`);
  }
  const startMs = performance.now();
  const { kills, unfit } = await killAll(
    chosen.filter(({ id }) => values.known || !known.has(id)),
    { steps, seed },
    (line) => console.log(`lua: ${line} (${((performance.now() - startMs) / 1000).toFixed(0)} s)`),
  );
  if (values.json !== undefined) {
    const told = chosen.map((mutant) => ({ ...mutant, known: known.has(mutant.id), killed: kills.get(mutant.id) }));
    writeFileSync(values.json, JSON.stringify(told, null, 1));
  }
  const gone = knownSurvivors.filter(
    (one) =>
      (values.only === undefined || values.only.split(",").includes(one.chunk)) &&
      values.sample === undefined &&
      !all.some((mutant) => isOf(mutant, one)),
  );
  for (const { chunk, before, after } of gone)
    console.log(`lua: known, but there is no such mutant of ${chunk} any more\n  - ${before}\n  + ${after}`);
  return tellReport(chosen, known, kills, unfit) && gone.length === 0;
}

function sampleOf(all: readonly ToldMutant[], size: number, seed: number): ToldMutant[] {
  const random = seededRandom(seed);
  const left = [...all];
  const taken = Array.from({ length: Math.min(size, all.length) }, () => left.splice(Math.floor(random.float() * left.length), 1)[0]!);
  return taken.sort((a, b) => a.id - b.id);
}
