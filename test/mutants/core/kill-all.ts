import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Instrumented, Mutant } from "./instrument.ts";
import type { Job, JobEvent } from "./job.ts";
import { planLoads, planTests, sharesOf, type TestSeen } from "./plan.ts";
import { runJob } from "./run-job.ts";

/** Whom a mutant was killed by, and what was seen. */
interface Kill {
  readonly by: string;
  readonly why: string;
}

export interface Outcome {
  readonly kills: ReadonlyMap<string, Kill>;
  /** Those that no test reaches. */
  readonly unreached: ReadonlySet<string>;
  /** Tests that were asked nothing, since they fail with the code as it is; and what they said. */
  readonly unfit: ReadonlyMap<string, string>;
}

/** A test that each time leaves its process unfit is asked so often. */
const patience = 5;

type Share = Pick<Job, "files" | "plan" | "loaded">;

/** Tries mutants on those of the test files that reach them, and loads those anew that are reached as modules are loaded. */
export async function killAll(
  code: Instrumented["code"],
  chosen: readonly Mutant[],
  tests: readonly string[],
  processes: number,
  tell: (line: string) => void,
): Promise<Outcome> {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-mutants-"));
  const codeFile = path.join(dir, "code");
  writeFileSync(codeFile, JSON.stringify(code));
  const kills = new Map<string, Kill>();
  const unfit = new Map<string, string>();
  const seen = new Map<string, TestSeen>();
  const loaded = new Set<string>();
  let jobs = 0;

  const living = (): Mutant[] => chosen.filter(({ id }) => !kills.has(id));
  const hear = (event: JobEvent): void => {
    if (event.event === "killed") kills.set(event.mutant, { by: event.by, why: event.why });
    if (event.event === "unfit") unfit.set(event.by, event.why);
    if (event.event === "past") seen.set(event.test, { ...event, reached: new Set(event.reached.map(String)) });
    if (event.event === "static") for (const id of event.mutants) loaded.add(String(id));
  };
  /** Runs a share to its end, in another process where a mutant hangs one. */
  const run = async (share: Share): Promise<void> => {
    const past = new Set<string>();
    const spoilt: string[] = [];
    for (let last: JobEvent | undefined; last?.event !== "over"; ) {
      const alive = living().map(({ id }) => id);
      const left = share.loaded?.filter(({ mutant }) => !past.has(mutant));
      const events = await runJob({ ...share, loaded: left, code: codeFile, alive, past: [...past], events: path.join(dir, `${jobs++}`) });
      for (const event of events) {
        hear(event);
        if (event.event === "past") past.add(event.test);
        if (event.event === "try" && event.test === "") past.add(event.mutant!);
      }
      last = events.at(-1)!;
      if (last.event === "try" && last.mutant !== undefined)
        kills.set(last.mutant, { by: "the clock", why: "its process came to nothing" });
      else if (last.event === "try") past.add(last.test);
      if (last.event !== "spoiled") continue;
      spoilt.push(last.test);
      if (spoilt.filter((test) => test === last!.test).length < patience) continue;
      past.add(last.test);
      unfit.set(last.by, `does not pass again after a mutant: ${last.why}`);
    }
  };
  const step = async (who: string, shares: readonly Share[]): Promise<void> => {
    const before = kills.size;
    const asked = living().length;
    await Promise.all(shares.map(run));
    tell(`${who} killed ${kills.size - before} of ${asked} mutants`);
  };
  try {
    await step(
      "quick tests",
      sharesOf(tests, processes).map((files) => ({ files })),
    );
    await step("long tests", planTests(living(), seen, processes));
    await step("tests that load them anew", planLoads(chosen, living(), loaded, seen, processes));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  for (const { reached } of seen.values()) for (const id of reached) loaded.add(id);
  return { kills, unfit, unreached: new Set(chosen.filter(({ id }) => !loaded.has(id)).map(({ id }) => id)) };
}
