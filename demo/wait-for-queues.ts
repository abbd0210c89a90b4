import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { countTasks, type QueueCounts } from "./count-tasks.ts";

/** How often Redis is asked. */
const everyMs = 100;

/**
 * Watches the queues until `enough` says so, or until `signal` aborts, and answers how they stand then.
 */
export async function waitForQueues(
  redis: Redis,
  queues: readonly string[],
  {
    enough,
    look,
    signal,
  }: {
    readonly enough: (counts: readonly QueueCounts[]) => boolean;
    readonly look: (counts: readonly QueueCounts[]) => void;
    readonly signal: AbortSignal;
  },
): Promise<readonly QueueCounts[]> {
  for (;;) {
    const counts = await countTasks(redis, queues);
    look(counts);
    if (enough(counts) || signal.aborted) return counts;
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}
