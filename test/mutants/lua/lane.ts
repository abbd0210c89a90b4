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
 * Runs the tests of a project until all mutants are killed or all tests are through: in one process with a Redis of its own, and another one
 * where a mutant spoils that.
 */
export async function runLane(
  job: Pick<Job, "project" | "first" | "mutants">,
  filters: readonly string[],
  onKill: (mutant: number) => void = () => {},
): Promise<LaneReport> {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-mutants-"));
  const kills = new Map<number, Kill>();
  const unfit = new Map<string, string>();
  const past = new Set<string>();
  const spoilt = new Map<string, number>();
  const kill = (mutant: number, by: string, why: string): void => {
    kills.set(mutant, { by, why });
    onKill(mutant);
  };
  const onEvent = (event: JobEvent): void => {
    if (event.event === "past") past.add(event.test);
    if (event.event === "unfit") unfit.set(event.name, event.why);
    if (event.event === "killed") kill(event.mutant, event.name, event.why);
  };
  try {
    for (let round = 0; kills.size < job.mutants.length; round++) {
      const mutants = job.mutants.filter(({ id }) => !kills.has(id));
      const last = await runVitest({ ...job, mutants, past: [...past], events: path.join(dir, `${round}`) }, filters, onEvent);
      if (last === undefined) break;
      if (last.event === "try" && last.mutant !== undefined) {
        kill(last.mutant, "the clock", "its process came to nothing");
        continue;
      }
      const test = "test" in last ? last.test : "";
      spoilt.set(test, (spoilt.get(test) ?? 0) + 1);
      if (spoilt.get(test)! < patience) continue;
      if (test === "") throw new Error(`vitest ended in none of its tests: ${JSON.stringify(last)}`);
      past.add(test);
      unfit.set("name" in last ? last.name : test, "does not pass again after a mutant");
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return { kills, unfit };
}
