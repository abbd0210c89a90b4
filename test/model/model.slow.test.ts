/** Waits for the machine: as many steps as it makes in 90 s, 100,000 at most. */
import { expect, test } from "vitest";
import { runModelProcesses } from "./run-processes.ts";
import { tellResult } from "./tell-result.ts";

/** Where a history went wrong once, and why. */
const seeds: readonly { readonly seed: number; readonly path: string; readonly why: string }[] = [];

test("random histories leave in Redis what the model says, after every step", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const result = await runModelProcesses({ steps: 100_000, seconds: 90, processes: 2, seed });
  console.log(tellResult(result, seed));
  expect(result.failure && tellResult(result, seed)).toBeUndefined();
  // A machine that is slow makes fewer; one that makes hardly any shows nothing.
  expect(result.steps).toBeGreaterThan(5_000);
});

test.for(seeds)("$why", async ({ seed, path }) => {
  const result = await runModelProcesses({ steps: 1_000, seconds: 60, processes: 1, seed, path });
  expect(result.failure && tellResult(result, seed)).toBeUndefined();
});
