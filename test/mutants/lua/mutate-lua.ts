import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { seededRandom } from "@asynqjs/core/testing";
import { allMutants, type ToldMutant } from "./all-mutants.ts";
import { type Kill, runLane } from "./lane.ts";
import { tellReport } from "./report.ts";

/** Where mutants are looked for, one after the other: who lives goes on to the next. Over HTTP only bytes cross otherwise. */
const projects: readonly { readonly name: string; readonly concerns: (mutant: ToldMutant) => boolean }[] = [
  { name: "node", concerns: () => true },
  { name: "replaying", concerns: () => true },
  { name: "fetch", concerns: ({ chunk }) => chunk === "bytesPrelude" || chunk === "enqueue" },
];

/** What a script does is shown in core. */
const tests = ["packages/core/src/"];
/** Behind a script's own tests, what kills many in little time. */
const quick = ["packages/core/src/broker/", "packages/core/src/ticks/"];

/** As many as the machine has cores to spare. */
const lanes = 2;

/**
 * `npm run mutate -- lua`: `--only settle,owns` chunks of these names, `--sample 40 --seed 7` some of them all, `--json FILE` what became of each.
 * Answers whether every mutant was killed or is known to mean the same.
 */
export async function mutateLua(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: { only: { type: "string" }, sample: { type: "string" }, seed: { type: "string", default: "1" }, json: { type: "string" } },
  });
  const all = allMutants(values.only?.split(","));
  const mutants = values.sample === undefined ? all : sampleOf(all, Number(values.sample), Number(values.seed));
  const startMs = performance.now();
  const { kills, unfit } = await killAll(mutants, (line) =>
    console.log(`lua: ${line} (${((performance.now() - startMs) / 1000).toFixed(0)} s)`),
  );
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      JSON.stringify(
        mutants.map((mutant) => ({ ...mutant, killed: kills.get(mutant.id) })),
        null,
        1,
      ),
    );
  }
  return tellReport(mutants, kills, unfit);
}

/** Tries the mutants on the tests; tells what each project did. */
async function killAll(
  mutants: readonly ToldMutant[],
  tell: (line: string) => void,
): Promise<{ readonly kills: ReadonlyMap<number, Kill>; readonly unfit: ReadonlyMap<string, string> }> {
  const kills = new Map<number, Kill>();
  const unfit = new Map<string, string>();
  const first = [...new Set(mutants.map(({ file }) => file.replace(/\.ts$/, ".test.ts"))), ...quick];
  for (const { name: project, concerns } of projects) {
    const left = mutants.filter((mutant) => concerns(mutant) && !kills.has(mutant.id));
    if (left.length === 0) continue;
    const shares = Array.from({ length: lanes }, (_, lane) => left.filter((_, i) => i % lanes === lane)).filter(({ length }) => length > 0);
    const reports = await Promise.all(shares.map((share) => runLane({ project, first, mutants: share }, tests)));
    for (const report of reports) {
      for (const [id, kill] of report.kills) kills.set(id, kill);
      for (const [name, why] of report.unfit) unfit.set(`${name} (${project})`, why);
    }
    tell(`the tests of ${project} killed ${reports.reduce((sum, report) => sum + report.kills.size, 0)} of ${left.length} mutants`);
  }
  return { kills, unfit };
}

function sampleOf(all: readonly ToldMutant[], size: number, seed: number): ToldMutant[] {
  const random = seededRandom(seed);
  const left = [...all];
  const taken = Array.from({ length: Math.min(size, all.length) }, () => left.splice(Math.floor(random.float() * left.length), 1)[0]!);
  return taken.sort((a, b) => a.id - b.id);
}
