import { existsSync } from "node:fs";
import path from "node:path";
import type { ToldMutant } from "./all-mutants.ts";
import { askModel } from "./ask-model.ts";
import { chunks, root } from "./chunks.ts";
import { type Kill, type LaneReport, runLane } from "./lane.ts";

/** Where mutants are looked for, one after the other: who lives goes on to the next. Over HTTP only bytes cross otherwise. */
const projects: readonly { readonly name: string; readonly concerns: (mutant: ToldMutant) => boolean }[] = [
  { name: "node", concerns: () => true },
  { name: "replaying", concerns: () => true },
  { name: "fetch", concerns: ({ chunk }) => chunk === "bytesPrelude" || chunk === "enqueue" },
];

/** What a script does is shown in core. */
const tests = ["packages/core/src/"];
/** Behind a script's own tests, what kills many in little time. */
const quick = ["packages/core/src/broker/wrong-containers.test.ts", "packages/core/src/broker/", "packages/core/src/ticks/"];
/** What a repeated call is answered: most scripts leave that to the record, `dequeue` says it by itself. */
const replays = "packages/core/src/call-records.test.ts";

/** As many as there are processes at once. */
const lanes = 2;

/** Tries mutants on the tests, project by project, and those that live on the model; tells what each did. */
export async function killAll(
  mutants: readonly ToldMutant[],
  model: { readonly steps: number; readonly seed: number },
  tell: (line: string) => void,
): Promise<LaneReport> {
  const kills = new Map<number, Kill>();
  const unfit = new Map<string, string>();
  const own = Object.fromEntries(mutants.map(({ chunk }) => [chunk, testsOf(chunk)]));
  const first = [...new Set(Object.values(own).flat()), ...quick];
  const stages = [
    ...projects.map(({ name, concerns }) => ({
      who: `the tests of ${name}`,
      concerns,
      ask: async (share: readonly ToldMutant[]): Promise<ReadonlyMap<number, Kill>> => {
        const report = await runLane({ project: name, first, own, mutants: share }, tests);
        for (const [test, why] of report.unfit) unfit.set(`${test} (${name})`, why);
        return report.kills;
      },
    })),
    { who: "the model", concerns: () => true, ask: (share: readonly ToldMutant[]) => askModel({ ...model, mutants: share }) },
  ];
  for (const { who, concerns, ask } of stages) {
    const left = mutants.filter((mutant) => concerns(mutant) && !kills.has(mutant.id));
    if (left.length === 0) continue;
    const before = kills.size;
    const shares = Array.from({ length: lanes }, (_, lane) => left.filter((_, i) => i % lanes === lane));
    for (const killed of await Promise.all(shares.map(ask))) for (const [id, kill] of killed) kills.set(id, kill);
    tell(`${who} killed ${kills.size - before} of ${left.length} mutants`);
  }
  return { kills, unfit };
}

/** The files of tests beside the scripts that a chunk is in, and of what they have elsewhere. */
function testsOf(name: string): string[] {
  const { scripts } = chunks.find((chunk) => chunk.name === name)!;
  const files = scripts.map((script) => chunks.find((chunk) => chunk.name === script)!.file.replace(/(-lua)?\.ts$/, ".test.ts"));
  if (scripts.includes("dequeue")) files.push(replays);
  return [...new Set(files)].filter((file) => existsSync(path.join(root, file)));
}
