/** A Redis that evicts, against which `noeviction` is demanded: what it leaves is put right, and every task that is left is run. */
import { Redis } from "ioredis";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { seedEveryState } from "../../../../test/support/every-state.ts";
import { heal, runAll } from "../../../../test/support/heal.ts";
import { type RedisServer, startRedis } from "../../../../test/support/redis-server.ts";
import { makeBroker } from "../broker.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import { composeTask, type EnqueueOptions } from "../options.ts";
import { ioredisPort } from "../redis/ioredis.ts";
import { type Payload, Task } from "../task.ts";
import { manualClock, seededRandom } from "../testing/manual-clock.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";

// Of its own, since an eviction would hit every test beside it.
let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
  return () => server.stop();
});

/** A client on the empty Redis, a broker on it, and tasks for it. */
async function connect() {
  const redis = new Redis({ port: server.port, protocol: 2 });
  onTestFinished(() => redis.disconnect());
  await redis.flushdb();
  const parts = { clock: manualClock(Date.now()), random: seededRandom(1) };
  const port = ioredisPort(redis);
  const aTask = ({ payload, ...options }: EnqueueOptions & { readonly payload?: Payload }) =>
    composeTask(new Task("t", payload), options, parts);
  return { redis, port, aTask, clock: parts.clock, broker: makeBroker({ redis: port, ...parts }) };
}

const key = (rest: string): string => `asynq:{default}:${rest}`;

describe("hole K: a Redis that evicts", () => {
  test("takes away what it likes, the pending list and the leases in the end: what is left of the tasks is run, every one", async () => {
    const { redis, port, aTask, clock, broker } = await connect();
    const evicted = new Set<string>();
    // Which keys go is Redis' own chance: two fifths of all each time.
    for (let round = 0; round < 100 && !(evicted.has(key("pending")) && evicted.has(key("lease"))); round++) {
      await redis.flushdb();
      await enqueue(
        broker,
        Array.from({ length: 100 }, (_, i) =>
          aTask({ taskId: `${i}`, payload: "x".repeat(1_000), ...(i % 4 === 0 ? { processInSec: 60 } : {}) }),
        ),
      );
      await dequeue(broker, ["default"], 30);
      const before = await redis.keys(key("*"));
      await evictSome(redis);
      const left = await redis.keys(key("*"));
      for (const gone of before.filter((name) => !left.includes(name))) evicted.add(gone);

      await heal(broker, clock);

      expect((await scanInvariants(port)).findings).toEqual([]);
      const ids = left.flatMap((name) => (name.startsWith(key("t:")) ? [name.slice(key("t:").length)] : []));
      expect(ids.length).toBeLessThan(100);
      expect(await runAll(broker, clock)).toEqual(ids.sort());
    }
    expect([...evicted]).toEqual(expect.arrayContaining([key("pending"), key("lease")]));
  });

  test("each key of a queue, gone alone: no invariant stays broken, and no task is lost whose hash is left", async () => {
    const { redis, port, aTask, clock, broker } = await connect();
    const seed = async (): Promise<string[]> => {
      await redis.flushdb();
      await seedEveryState(broker, aTask);
      return redis.keys("asynq:*");
    };
    for (const gone of (await seed()).filter((name) => !name.includes(":js:call:"))) {
      // Sets and counters of days have other names each time.
      const name = nameless(gone);
      const present = (await seed()).find((found) => nameless(found) === name)!;
      await redis.del(present);

      await heal(broker, clock);

      // What is not counted any more no one can count again.
      const found = (await scanInvariants(port, { queues: ["default"] })).findings.filter(({ invariant }) => invariant !== "I11");
      expect([name, found]).toEqual([name, []]);
      const runs = (await runAll(broker, clock)).map((id) => /^digest of (\d+)/.exec(id)?.[1] ?? id);
      const missing = (ids: readonly string[]) => ids.filter((id) => !runs.includes(id) && name !== key(`t:${id}`));
      expect([name, missing(toRun)]).toEqual([name, []]);
      const aggregated = runs.reduce((sum, run) => sum + (Number(run) || 0), 0);
      expect([name, aggregated]).toEqual([name, missing(inGroups).length]);
    }
  });
});

/** What is run once all is put right, and what becomes a part of another task. */
const toRun = ["active", "grouped-later", "pending", "recovered", "retry", "scheduled"];
const inGroups = ["aggregating", "in-a-set", "unique-in-a-set"];

function nameless(name: string): string {
  return name.replace(/\d{4}-\d\d-\d\d$/, "<day>").replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "<set>");
}

/** Lets Redis evict keys at random until two fifths of what is there are gone, then no more. */
async function evictSome(redis: Redis): Promise<void> {
  const keys = await redis.dbsize();
  await redis.config("SET", "maxmemory-policy", "allkeys-random");
  while ((await redis.dbsize()) > keys * 0.6) {
    const [, used] = /used_memory:(\d+)/.exec(await redis.info("memory"))!;
    await redis.config("SET", "maxmemory", String(Number(used) - 20_000));
    // Evicts what is over, and writes nothing: the string is longer than what may be there.
    await redis.set("other", "x").catch(() => {});
  }
  await redis.config("SET", "maxmemory", "0", "maxmemory-policy", "noeviction");
  await redis.del("other");
}
