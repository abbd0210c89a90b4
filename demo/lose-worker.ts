import { setTimeout as sleep } from "node:timers/promises";
import { leaseKey } from "@asynqjs/core";
import type { Redis } from "ioredis";
import type { Child } from "./child-process.ts";

/**
 * Kills a worker while it holds tasks, and adds their leases to `lost`, where those of workers are that were killed before; answers how many
 * it held, 0 if the signal aborted first.
 */
export async function killWhileBusy(
  worker: Child<unknown>,
  redis: Redis,
  queues: readonly string[],
  { lost, signal }: { readonly lost: Set<string>; readonly signal: AbortSignal },
): Promise<number> {
  // Nobody extends the lease of a worker that is gone: who takes such a task again has another one.
  const held = async (): Promise<string[]> => (await readLeases(redis, queues)).filter((lease) => !lost.has(lease));
  while (!signal.aborted) {
    if ((await held()).length > 0) {
      // Frozen first: it can still be seen whether it holds tasks, now that it cannot settle them. What it sent before arrives meanwhile.
      worker.signal("SIGSTOP");
      await sleep(50);
      if ((await held()).length > 0) break;
      worker.signal("SIGCONT");
    }
    await sleep(5);
  }
  if (signal.aborted) return 0;
  worker.signal("SIGKILL");
  await worker.gone;
  const left = await held();
  for (const lease of left) lost.add(lease);
  return left.length;
}

/** Each lease there is: queue, id, and the score that is its owner's. */
async function readLeases(redis: Redis, queues: readonly string[]): Promise<string[]> {
  const leases: string[] = [];
  for (const queue of queues) {
    const found = await redis.zrange(leaseKey(queue), "0", "-1", "WITHSCORES");
    for (let i = 0; i < found.length; i += 2) leases.push(`${queue} ${found[i]} ${found[i + 1]}`);
  }
  return leases;
}
