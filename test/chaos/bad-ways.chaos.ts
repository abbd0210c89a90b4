import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "@asynqjs/core/testing";
import { inject } from "vitest";
import { expectSound } from "./after.ts";
import type { Target } from "./history/faults.ts";
import { figuresOf, type Lived, type LiveOptions, liveThrough } from "./history/live-through.ts";
import { expect, type Lab, test } from "./lab.ts";
import { machineMs } from "./machine-ms.ts";

const { seed, ci } = inject("chaos");
const [tasks, perSec] = ci ? [1_000, 100] : [20_000, 400];

/** Two workers of ours; whatever is wrong with the way to Redis, no task may run twice for it. */
async function live(lab: Lab, afflict: LiveOptions["afflict"], load = { tasks, perSec }): Promise<Lived> {
  const redis = await lab.startRedis();
  const options = { redis, random: seededRandom(seed), crew: { node: 2, go: 0 }, afflict, explains: () => false };
  const lived = await liveThrough(lab, { ...load, ...options });
  const { lost, unexpected, stuck } = lived.queue;
  expect({ lost, unexpected, stuck, twice: lived.explained.unexplained }).toEqual({ lost: [], unexpected: [], stuck: [], twice: [] });
  await expectSound(redis.admin);
  return lived;
}

/** Does it again and again until all tasks are enqueued; answers how often. */
async function every(ms: number, enqueued: AbortSignal, act: () => unknown): Promise<number> {
  let times = 0;
  for (; !enqueued.aborted; times++) {
    await act();
    await sleep(ms);
  }
  return times;
}

test.concurrent("F17: a Redis that forgets its scripts every 50 ms: nobody notices", async ({ lab }) => {
  let times = 0;
  const lived = await live(lab, async ({ redis }, enqueued) => {
    times = await every(50, enqueued, () => redis.admin.call("SCRIPT", "FLUSH"));
  });

  lab.report({ ...figuresOf(lived), flushes: times });
  expect(lived.enqueued.filter(({ event }) => event === "info" || event === "fail")).toEqual([]);
});

test.concurrent("F22: connections that are killed ten times a second, those of subscribers too: nothing is lost, nothing runs twice", async ({
  lab,
}) => {
  let times = 0;
  const lived = await live(lab, async ({ redis: { admin } }, enqueued) => {
    times = await every(100, enqueued, () =>
      admin.call("CLIENT", "KILL", "TYPE", ++times % 5 === 0 ? "pubsub" : "normal", "SKIPME", "yes"),
    );
  });

  lab.report({ ...figuresOf(lived), kills: times });
});

/** Of each piece that is asked. An answer that takes longer than 2 s is one of a connection that is dead, for the heartbeats; than 3 s, for all. */
const delays: readonly (readonly [string, boolean, (target: Target) => number])[] = [
  ["50 ms late: work goes on", true, () => 50],
  ["500 ms late: work goes on", true, () => 500],
  ["up to 1.5 s late, by chance: work goes on", true, ({ random }) => random.float() * 1_500],
  ["5 s late: work goes on when it is over", false, () => 5_000],
];

test.concurrent.for(delays)("F20: a Redis that answers %s; no lease is lost", async ([, inTime, delayMs], { lab }) => {
  let overMs = 0;
  const lived = await live(
    lab,
    async (target, enqueued) => {
      const ways = [target.toRedis, ...target.crew.posts.map(({ way }) => way)];
      for (const way of ways) way.slow(() => delayMs(target));
      await new Promise((resolve) => enqueued.addEventListener("abort", resolve, { once: true }));
      await sleep(20_000);
      overMs = machineMs();
      for (const way of ways) way.slow(() => 0);
    },
    { tasks: 300, perSec: 30 },
  );

  const meanwhile = lived.events.filter(({ event, atMs }) => event === "end" && atMs < overMs).length;
  lab.report({ ...figuresOf(lived), meanwhile });
  if (inTime) expect(meanwhile).toBe(lived.queue.acknowledged);
  expect(lived.events.filter(({ event }) => event === "lost" || event === "refused")).toEqual([]);
});
