import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, forward, makeBroker, recover, systemClock, systemRandom } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import type { Redis } from "ioredis";
import type { Child } from "./child-process.ts";
import { countTasks, total } from "./count-tasks.ts";

/** Kills a worker while it holds tasks; answers how many are left without one, 0 if the signal aborted first. */
export async function killWhileBusy(worker: Child<unknown>, redis: Redis, queues: readonly string[], signal: AbortSignal): Promise<number> {
  const held = async (): Promise<number> => total(await countTasks(redis, queues), ({ leases }) => leases);
  while (!signal.aborted) {
    if ((await held()) > 0) {
      // Frozen first: it can still be seen whether it holds tasks, now that it cannot settle them. What it sent before arrives meanwhile.
      worker.signal("SIGSTOP");
      await sleep(50);
      if ((await held()) > 0) break;
      worker.signal("SIGCONT");
    }
    await sleep(5);
  }
  if (signal.aborted) return 0;
  worker.signal("SIGKILL");
  await worker.gone;
  return held();
}

/**
 * Takes back the tasks of a worker that was killed, and makes them pending; answers how many. Call it when no other task is left: to its
 * clock the leases of living workers are over too.
 *
 * A lease lasts 30 s, a task is taken back 30 s after, and tried again 2 to 4 s later. The demo does not wait for that minute: it runs the same
 * two ticks as a cron function does, on a clock that is so far ahead. Nothing else is different, and nothing in Redis is changed by hand.
 */
export async function takeBackLost(redis: Redis, queues: readonly string[]): Promise<number> {
  const at = (aheadMs: number) => makeBroker({ redis: ioredisPort(redis), clock: clockAhead(aheadMs), random: systemRandom });
  const { recovered } = await recover(at(61_000), { queues });
  await forward(at(66_000), { queues });
  return recovered;
}

function clockAhead(aheadMs: number): Clock {
  return { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
}
