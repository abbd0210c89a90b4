import { expect, test } from "vitest";
import { simulateInProcesses } from "./in-processes.ts";
import type { RunReport } from "./simulate.ts";

async function digestOf(seed: number): Promise<string> {
  const reports: RunReport[] = [];
  await simulateInProcesses({ seed, steps: 1, stepsPerSeed: 1_500, processes: 1, onReport: (report) => reports.push(report) });
  expect(reports.map(({ violations }) => violations)).toEqual([[]]);
  return reports[0]!.digest;
}

test("the same seed is the same run, in another process on another Redis too; another seed is another", { timeout: 120_000 }, async () => {
  const [once, again, other] = await Promise.all([digestOf(11), digestOf(11), digestOf(12)]);

  expect(again).toBe(once);
  expect(other).not.toBe(once);
});
