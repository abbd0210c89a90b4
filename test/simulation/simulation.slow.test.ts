/** Waits for nothing, but for a hundred thousand steps to be made. */
import { expect, test } from "vitest";
import { simulateInProcesses, tell } from "./in-processes.ts";

const steps = 100_000;

test("a hundred thousand steps of servers, clients and ticks under every fault: nothing is lost, stuck, unexpected or charged", {
  timeout: 120_000,
}, async () => {
  const report = await simulateInProcesses({ seed: 1, steps, processes: 2, withinMs: 90_000 });
  console.log(tell(report));

  expect(report.failed).toBeUndefined();
  expect(Object.keys(report.faults).length).toBeGreaterThan(15);
  // On a slow machine time is over first; no seed is cut short.
  expect(report.steps).toBeGreaterThan(0);
});
