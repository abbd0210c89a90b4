import { expect, test } from "vitest";
import { simulateInProcesses } from "./in-processes.ts";
import type { RunReport } from "./simulate.ts";

/** The digest of a seed, run in a process that may have run others before. */
async function digestOf(seed: number, before = 0): Promise<string> {
  const reports: RunReport[] = [];
  const steps = 1 + before * 5_000;
  await simulateInProcesses({ seed: seed - before, steps, stepsPerSeed: 1_500, processes: 1, onReport: (report) => reports.push(report) });
  expect(reports.flatMap(({ violations }) => violations)).toEqual([]);
  return reports.find((report) => report.seed === seed)!.digest;
}

test("the same seed is the same run, in another process on another Redis too, and after another seed; another seed is another", {
  timeout: 120_000,
}, async () => {
  const [once, again, afterAnother, other] = await Promise.all([digestOf(11), digestOf(11), digestOf(11, 1), digestOf(12)]);

  expect(again).toBe(once);
  expect(afterAnother).toBe(once);
  expect(other).not.toBe(once);
});
