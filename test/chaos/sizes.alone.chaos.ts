import {
  aggregate,
  type Broker,
  composeTask,
  dequeue,
  type EnqueueOptions,
  enqueue,
  forward,
  janitor,
  makeBroker,
  type NewTask,
  recover,
  repair,
  systemClock,
  systemRandom,
  Task,
} from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import type { Redis } from "ioredis";
import { inject } from "vitest";
import { expect, type Lab, test } from "./lab.ts";

const { ci } = inject("chaos");
const [due, groups, queues] = ci ? [50_000, 50_000, 2_000] : [1_000_000, 1_000_000, 10_000];
/**
 * As many tasks are active then. Each of them is looked for in the list of active tasks, as Asynq's scripts do: with tens of thousands active
 * at once a call of a hundred takes longer than the others may.
 */
const leaseCounts = ci ? [1_000] : [1_000, 20_000, 100_000];
const mostActive = 1_000;
/** How long Redis may be held by one script: by all but one of a hundred, and by any. */
const [p99Ms, mostMs] = [10, 50];

interface Held {
  readonly calls: number;
  readonly slowMs: number[];
}

/** Watches how long scripts hold Redis from now on; answers what was seen. */
async function watch(redis: Redis): Promise<() => Promise<Held>> {
  await redis.call("CONFIG", "RESETSTAT");
  await redis.call("CONFIG", "SET", "slowlog-log-slower-than", String(p99Ms * 1_000));
  await redis.call("CONFIG", "SET", "slowlog-max-len", "100000");
  await redis.call("SLOWLOG", "RESET");
  return async () => {
    const stats = await redis.info("commandstats");
    const calls = Array.from(stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)).reduce((sum, [, count]) => sum + Number(count), 0);
    const entries = (await redis.call("SLOWLOG", "GET", "-1")) as [unknown, unknown, number, string[]][];
    return { calls, slowMs: entries.filter(([, , , [name]]) => /^eval/i.test(name!)).map(([, , micros]) => micros / 1_000) };
  };
}

function expectShort({ calls, slowMs }: Held): void {
  expect(slowMs.length / calls, `scripts over ${p99Ms} ms`).toBeLessThan(0.01);
  expect(Math.max(0, ...slowMs), "the longest script").toBeLessThan(mostMs);
}

const tellOf = ({ calls, slowMs }: Held) => ({ scripts: calls, slow: slowMs.length, longestMs: Math.max(0, ...slowMs) });

async function begin(lab: Lab): Promise<{ readonly admin: Redis; readonly broker: Broker; readonly seed: typeof seedTasks }> {
  const { admin } = await lab.startRedis();
  const broker = makeBroker({ redis: ioredisPort(admin), clock: systemClock, random: systemRandom });
  return { admin, broker, seed: seedTasks };
}

/** Enqueues so many tasks. */
async function seedTasks(broker: Broker, count: number, optionsOf: (nth: number) => EnqueueOptions): Promise<void> {
  for (let from = 0; from < count; from += 5_000) {
    const some: NewTask[] = [];
    for (let nth = from; nth < Math.min(count, from + 5_000); nth++)
      some.push(composeTask(new Task("t", "payload"), optionsOf(nth), broker));
    for (const { error } of await enqueue(broker, some)) if (error !== undefined) throw error;
  }
}

/** The same, so many seconds later. */
function later(broker: Broker, sec: number): Broker {
  return { ...broker, clock: { ...broker.clock, nowMs: () => broker.clock.nowMs() + sec * 1_000 } };
}

test(`F28 F38: ${due} tasks due at once after ticks were away for a day: worked off in calls of a hundred, each tick within its budget`, async ({
  lab,
}) => {
  const { admin, broker, seed } = await begin(lab);
  const daySec = 24 * 3_600;
  await seed(broker, due, (nth) => ({ processInSec: 1 + Math.floor((nth / due) * (daySec - 2)) }));
  const seen = await watch(admin);
  const budgetMs = 2_000;
  const tookMs: number[] = [];
  let forwarded = 0;
  for (let more = true; more; ) {
    const startMs = performance.now();
    const report = await forward(later(broker, daySec), { queues: ["default"], budgetMs });
    tookMs.push(performance.now() - startMs);
    expect(report.errors).toEqual([]);
    forwarded += report.forwarded;
    more = report.more;
  }
  const held = await seen();

  expect(forwarded).toBe(due);
  // A call that has begun is waited for.
  expect(Math.max(...tookMs)).toBeLessThan(budgetMs + 1_000);
  expect(held.calls).toBeGreaterThanOrEqual(due / 100);
  lab.report({ ticks: tookMs.length, perSec: Math.round(due / (tookMs.reduce((sum, ms) => sum + ms, 0) / 1_000)), ...tellOf(held) });
  expectShort(held);
});

test.for(leaseCounts)("F38: %d leases ended at once: all taken back, in calls of a hundred", async (leases, { lab }) => {
  const { admin, broker, seed } = await begin(lab);
  await seed(broker, leases, () => ({}));
  for (let left = leases; left > 0; left -= 100) await dequeue(broker, ["default"], 100);
  const seen = await watch(admin);
  const { recovered, errors, more } = await recover(later(broker, 120), { queues: ["default"], budgetMs: 600_000 });
  const held = await seen();

  expect({ recovered, errors, more }).toEqual({ recovered: leases, errors: [], more: false });
  lab.report(tellOf(held));
  if (leases <= mostActive) expectShort(held);
});

test(`F38: ${groups} groups, none of them due: a look at all of them`, async ({ lab }) => {
  const { admin, broker, seed } = await begin(lab);
  await seed(broker, groups, (nth) => ({ group: `group ${nth}` }));
  const seen = await watch(admin);
  const { sets, errors } = await aggregate(broker, {
    ...{ queues: ["default"], budgetMs: 600_000, gracePeriodSec: 24 * 3_600, maxDelaySec: 0, maxSize: 0 },
    aggregator: () => new Task("never"),
  });
  const held = await seen();

  expect({ sets, errors }).toEqual({ sets: 0, errors: [] });
  lab.report(tellOf(held));
  expectShort(held);
});

test(`F38: ${queues} queues: every tick, and a worker that serves them all`, async ({ lab }) => {
  const { admin, broker, seed } = await begin(lab);
  const names = Array.from({ length: queues }, (_, nth) => `queue${nth}`);
  await seed(broker, queues * 3, (nth) => ({ queue: names[nth % queues]!, ...(nth % 3 === 0 ? { processInSec: 60 } : {}) }));
  const seen = await watch(admin);
  const options = { queues: names, budgetMs: 600_000 };
  const { forwarded } = await forward(later(broker, 120), options);
  let taken = 0;
  for (let some = 1; some > 0; taken += some) some = (await dequeue(broker, names, 100)).tasks.length;
  const { recovered } = await recover(later(broker, 240), options);
  await janitor(broker, options);
  await repair(broker, options);
  const held = await seen();

  expect({ forwarded, taken, recovered }).toEqual({ forwarded: queues, taken: queues * 3, recovered: queues * 3 });
  lab.report(tellOf(held));
  expectShort(held);
});
