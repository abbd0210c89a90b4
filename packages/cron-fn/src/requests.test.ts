import { composeTask, dequeue, type EnqueueOptions, enqueue, makeBroker, settle, systemClock, systemRandom, Task } from "@asynqjs/core";
import { addCronEntry } from "@asynqjs/core/cron";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { manualClock } from "@asynqjs/core/testing";
import { patchTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { describe } from "vitest";
import { expect, test, token } from "../../../test/support/gateway-test.ts";
import { type RunTicksOptions, runTicks } from "./run-ticks.ts";

const queues = Array.from({ length: 10 }, (_, i) => `q${i}`);
/** What a Worker on the free plan may send in an invocation. */
const mostOfWorker = 50;

/** A day ago there was a lot to do in each queue, of every kind, and nobody did it. */
async function seed(redis: Redis): Promise<void> {
  const broker = makeBroker({ redis: ioredisPort(redis), clock: manualClock(Date.now() - 86_400_000), random: systemRandom });
  const add = (queue: string, count: number, options: EnqueueOptions = {}) =>
    enqueue(
      broker,
      Array.from({ length: count }, () => composeTask(new Task("t"), { ...options, queue }, broker)),
    );
  for (const queue of queues) {
    await add(queue, 300);
    const taken = [];
    for (let i = 0; i < 3; i++) taken.push(...(await dequeue(broker, [queue], 100)).tasks);
    const expireAtSec = Math.floor(broker.clock.nowMs() / 1000) + 60;
    await settle(
      broker,
      taken.slice(150).map(({ id, token: own, msg }) => ({
        queue,
        id,
        fence: { token: own },
        to: "completed",
        msg: patchTaskMessage(msg, {}),
        expireAtSec,
      })),
    );
    await add(queue, 300, { processInSec: 60 });
    for (const group of ["a", "b", "c"]) await add(queue, 20, { group });
    await addCronEntry(broker, { id: `of ${queue}`, spec: "0 * * * *", type: "t", queue, catchUp: "all" });
  }
}

describe("a run over HTTP", () => {
  test.for([
    { everySec: 60, queues: 1, entries: 0, requests: 360, commands: 540 },
    { everySec: 60, queues: 10, entries: 0, requests: 360, commands: 3_024 },
    { everySec: 60, queues: 10, entries: 10, requests: 432, commands: 3_648 },
    { everySec: 10, queues: 1, entries: 0, requests: 375, commands: 645 },
    { everySec: 10, queues: 10, entries: 10, requests: 468, commands: 4_062 },
  ])(
    "costs in an hour, by the second in a quarter of one, in which nothing is due, what the README says: %o",
    async (idle, { redis, faults }) => {
      const clock = manualClock(Date.now());
      const broker = makeBroker({ redis: ioredisPort(redis), clock, random: systemRandom });
      await redis.sadd("asynq:queues", ...queues.slice(0, idle.queues));
      const spec = `0 ${(new Date().getUTCHours() + 12) % 24} * * *`;
      for (const queue of queues.slice(0, idle.entries)) await addCronEntry(broker, { id: queue, spec, type: "t", queue });
      const port = fetchRedis({ url: faults.url, token });
      // Every minute in a process of its own, or in one that stays.
      const lastSecs = idle.everySec < 60 ? new Map() : undefined;
      const run = () => runTicks(makeBroker({ redis: port, clock, random: systemRandom }), { lastSecs });
      await run();
      const before = faults.requests.length;

      for (let sec = 0; sec < (idle.everySec < 60 ? 900 : 3_600); sec += idle.everySec) {
        await clock.advance(idle.everySec * 1_000);
        // Redis' own clock does not know of it.
        for (const key of await redis.keys("asynq:schedulers:*")) await redis.expire(key, (await redis.ttl(key)) - idle.everySec);
        await run();
      }

      const sent = faults.requests.slice(before).map(({ body }) => (JSON.parse(body) as unknown[]).length);
      expect({ requests: sent.length, commands: sent.reduce((sum, commands) => sum + commands, 0) }).toEqual({
        requests: idle.requests,
        commands: idle.commands,
      });
    },
  );

  test("with much of everything to do in ten queues keeps to what a Worker may send, and the next ones do the rest", async ({
    redis,
    faults,
  }) => {
    await seed(redis);
    const port = fetchRedis({ url: faults.url, token });
    const options: RunTicksOptions = {
      maxRequests: 40,
      timetable: { aggregate: { everySec: 0, share: 2 } },
      aggregate: { aggregator: () => new Task("joined") },
    };

    const sum = { fired: 0, forwarded: 0, recovered: 0, aggregated: 0, expired: 0 };
    const requests: number[] = [];
    for (let more = true; more; ) {
      const before = faults.requests.length;
      const report = await runTicks(makeBroker({ redis: port, clock: systemClock, random: systemRandom }), options);
      requests.push(faults.requests.length - before);
      expect(report.failed).toEqual([]);
      sum.fired += report.schedule?.fired ?? 0;
      sum.forwarded += report.forward?.forwarded ?? 0;
      sum.recovered += report.recover?.recovered ?? 0;
      sum.aggregated += report.aggregate?.aggregated ?? 0;
      sum.expired += report.janitor?.expired ?? 0;
      more = report.more;
    }

    expect(Math.max(...requests)).toBeLessThanOrEqual(mostOfWorker);
    expect(requests.length).toBeGreaterThan(1);
    expect(sum).toMatchObject({ recovered: 1_500, aggregated: 600, expired: 1_500 });
    // Some of those that were recovered are due again by then, and the hour may have passed.
    expect(sum.forwarded).toBeGreaterThanOrEqual(3_000);
    expect(sum.fired).toBeGreaterThanOrEqual(240);
  });
});
