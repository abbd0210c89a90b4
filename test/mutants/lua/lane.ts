import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Job, JobEvent } from "./job.ts";
import { runVitest } from "./run-vitest.ts";

/** Whom a mutant was killed by, and what was seen. */
export interface Kill {
  readonly by: string;
  readonly why: string;
}

export interface LaneReport {
  readonly kills: ReadonlyMap<number, Kill>;
  /** Tests that were asked nothing, since they fail with the scripts as they are; and what they said. */
  readonly unfit: ReadonlyMap<string, string>;
}

/** A test that each time leaves its process unfit is asked so often. */
const patience = 3;

/**
 * Runs the tests of a project until all mutants are killed or all tests are through, a mutant's own tests first, if it has any, and those that
 * take long last: in one process with a Redis of its own, and another one where a mutant spoils that.
 */
export async function runLane(job: Pick<Job, "project" | "first" | "mutants" | "own">, filters: readonly string[]): Promise<LaneReport> {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-mutants-"));
  const kills = new Map<number, Kill>();
  const unfit = new Map<string, string>();
  let past = new Set<string>();
  const slow = new Map<string, string>();
  const spoilt = new Map<string, number>();
  const onEvent = (event: JobEvent): void => {
    if (event.event === "past") past.add(event.test);
    if (event.event === "slow") slow.set(event.test, event.file);
    if (event.event === "unfit") unfit.set(event.name, event.why);
    if (event.event === "killed") kills.set(event.mutant, { by: event.name, why: event.why });
  };
  const runTests = async (name: string, files: readonly string[], how: Pick<Job, "whose" | "only">): Promise<void> => {
    past = new Set();
    for (let round = 0; kills.size < job.mutants.length; round++) {
      const mutants = job.mutants.filter(({ id }) => !kills.has(id));
      const events = path.join(dir, `${name}-${round}`);
      const last = await runVitest({ ...job, mutants, ...how, past: [...past], events }, files, onEvent);
      if (last === undefined) break;
      if (last.event === "try" && last.mutant !== undefined) {
        kills.set(last.mutant, { by: "the clock", why: "its process came to nothing" });
        continue;
      }
      // Its mutant is killed: there are fewer each time.
      if (last.event === "spoiled" && last.isStuck) continue;
      const test = "test" in last ? last.test : "";
      spoilt.set(test, (spoilt.get(test) ?? 0) + 1);
      if (spoilt.get(test)! < patience) continue;
      if (test === "") throw new Error(`vitest ended in none of its tests: ${JSON.stringify(last)}`);
      past.add(test);
      unfit.set("name" in last ? last.name : test, "does not pass again after a mutant");
    }
  };
  const ask = async (files: readonly string[], whose?: Job["whose"]): Promise<void> => {
    slow.clear();
    await runTests(`quick-${whose}`, files, { whose });
    if (slow.size > 0) await runTests(`slow-${whose}`, [...new Set(slow.values())], { whose, only: [...slow.keys()] });
  };
  try {
    const ownFiles = [...new Set(Object.values(job.own ?? {}).flat())];
    if (ownFiles.length > 0) await ask(ownFiles, "own");
    await ask(filters, ownFiles.length > 0 ? "others" : undefined);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return { kills, unfit };
}
