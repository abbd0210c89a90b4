/** Runs the model with one mutant after the other, on a Redis of its own; tells of each as a message. @module */
import { runModel } from "../../model/run-model.ts";
import { startRedis } from "../../support/redis-server.ts";
import type { Mutant } from "./job.ts";
import { swapScripts } from "./swap-scripts.ts";

const { mutants, steps, seed } = JSON.parse(process.argv[2]!) as ModelJob;
// It ends with this process.
const redis = await startRedis();
for (const mutant of mutants) {
  process.send!({ mutant: mutant.id } satisfies ModelEvent);
  swapScripts(mutant);
  const { failure } = await runModel({ redisUrl: redis.url, steps, seconds: 600, seed, shrink: false });
  process.send!({ mutant: mutant.id, why: failure?.why.split("\n")[0] ?? null } satisfies ModelEvent);
}
process.disconnect();

export interface ModelJob {
  readonly mutants: readonly Mutant[];
  readonly steps: number;
  readonly seed: number;
}

/** A mutant's run begins; or ends, with why it was seen or null. */
export interface ModelEvent {
  readonly mutant: number;
  readonly why?: string | null;
}
