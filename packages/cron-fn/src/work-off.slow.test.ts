/** Waits for Redis to do what is due a million times. */
import { composeTask, makeBroker, type RedisPort, systemClock, systemRandom, Task } from "@asynqjs/core";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { encodeTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { describe } from "vitest";
import { expect, test, token } from "../../../test/support/gateway-test.ts";
import { useOwnRedis } from "../../../test/support/redis-test.ts";
import { type RunTicksOptions, runTicks } from "./run-ticks.ts";

useOwnRedis();

/** How long Redis may be held by one script. */
const mostMs = 50;

/** So many scheduled tasks of a queue, due for a day one after the other. */
async function seed(redis: Redis, queue: string, count: number): Promise<void> {
  const { message } = composeTask(new Task("report", { n: 1 }), { queue }, { clock: systemClock, random: systemRandom });
  const fill = `
    for i = tonumber(ARGV[2]), tonumber(ARGV[3]) do
      redis.call("HSET", KEYS[1] .. i, "msg", ARGV[1], "state", "scheduled")
      redis.call("ZADD", KEYS[2], ARGV[4] + math.floor(i / 100), i)
    end`;
  const daySec = Math.floor(Date.now() / 1000) - 86_400;
  await redis.sadd("asynq:queues", queue);
  const keys = [`asynq:{${queue}}:t:`, `asynq:{${queue}}:scheduled`];
  const msg = Buffer.from(encodeTaskMessage(message).bytes);
  for (let from = 1; from <= count; from += 20_000) await redis.eval(fill, 2, ...keys, msg, from, Math.min(count, from + 19_999), daySec);
  await redis.config("SET", "slowlog-log-slower-than", String(mostMs * 1_000));
  await redis.call("SLOWLOG", "RESET");
}

interface Worked {
  readonly invocations: number;
  readonly longestMs: number;
  /** How many requests came of one invocation at most. */
  readonly mostRequests: number;
  /** How many the first invocation forwarded in the queue beside the large one. */
  readonly besides: number;
}

/** Runs invocations with that budget until none says that there is more. */
async function workOff(
  redis: RedisPort,
  admin: Redis,
  budget: Pick<RunTicksOptions, "budgetMs" | "maxRequests">,
  due: number,
  requestsSoFar = (): number => 0,
): Promise<Worked> {
  let [invocations, forwarded, longestMs, mostRequests, besides] = [0, 0, 0, 0, 0];
  for (let more = true; more; ) {
    const startMs = performance.now();
    const before = requestsSoFar();
    const report = await runTicks(makeBroker({ redis, clock: systemClock, random: systemRandom }), budget);
    longestMs = Math.max(longestMs, performance.now() - startMs);
    mostRequests = Math.max(mostRequests, requestsSoFar() - before);
    expect(report.failed).toEqual([]);
    if (++invocations === 1) besides = await admin.llen("asynq:{small}:pending");
    forwarded += report.forward!.forwarded;
    more = report.more;
    if (forwarded < due) expect(more).toBe(true);
    // The others have their turns.
    expect(report).toMatchObject({ schedule: { more: false }, recover: { more: false } });
  }
  expect(forwarded).toBe(due);
  expect(await admin.call("SLOWLOG", "GET", "-1"), `scripts of more than ${mostMs} ms`).toEqual([]);
  return { invocations, longestMs, mostRequests, besides };
}

describe("after a day without ticks", () => {
  test("100,000 are over HTTP, in no more requests an invocation than a Worker may make", async ({ redis, faults }) => {
    await seed(redis, "large", 100_000);
    await seed(redis, "small", 200);
    const port = fetchRedis({ url: faults.url, token });

    const worked = await workOff(port, redis, { maxRequests: 40 }, 100_200, () => faults.requests.length);

    expect(worked.besides).toBe(200);
    expect(worked.invocations).toBeGreaterThan(2);
    expect(worked.invocations).toBeLessThan(15);
    expect(worked.mostRequests).toBeLessThanOrEqual(50);
    expect(await redis.llen("asynq:{large}:pending")).toBe(100_000);
  });

  test("1,000,000 due tasks are worked off over TCP in as many invocations as the budget gives, and starve nobody", async ({ redis }) => {
    await seed(redis, "large", 1_000_000);
    await seed(redis, "small", 200);

    const worked = await workOff(ioredisPort(redis), redis, { budgetMs: 2_000 }, 1_000_200);

    expect(worked.besides).toBe(200);
    expect(worked.invocations).toBeGreaterThan(2);
    expect(worked.longestMs, "a step that is begun is waited for").toBeLessThan(4_000);
    expect(await redis.llen("asynq:{large}:pending")).toBe(1_000_000);
  }, 300_000);
});
