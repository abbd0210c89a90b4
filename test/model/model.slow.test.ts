/** Waits for the machine: as many steps as it makes in 60 s, 100,000 at most. */
import { expect, onTestFinished, test } from "vitest";
import { startRedis } from "../support/redis-server.ts";
import { found } from "./found.ts";
import { runKept } from "./run-model.ts";
import { runModelProcesses } from "./run-processes.ts";
import { tellResult } from "./tell-result.ts";

/** A failing history is made short, which takes half a minute more. */
const timeout = 180_000;

test.for(found)("$why", async ({ history }) => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());

  expect(await runKept(redis.url, history)).toBeUndefined();
});

test("random histories leave in Redis what the model says, after every step", { timeout }, async () => {
  // The same histories each time, so that what fails is what was changed: other ones are for `npm run model`, or by this variable.
  const seed = Number(process.env.MODEL_SEED ?? 1709427691);
  const result = await runModelProcesses({ steps: 100_000, seconds: 60, processes: 2, seed });
  console.log(tellResult(result, seed));
  expect(result.failure && tellResult(result, seed)).toBeUndefined();
  // A machine that is slow makes fewer; one that makes hardly any shows nothing.
  expect(result.steps).toBeGreaterThan(1_000);
});
