/**
 * Each key of a queue in turn holds the wrong kind of value, and each operation and tick meets it: that queue may be refused, in whole or in
 * part, but nothing of it is moved half the way, no task is lost, and the queue beside it is served.
 */
import type { Redis } from "ioredis";
import { describe, inject } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { seedEveryState } from "../../../../test/support/every-state.ts";
import type { Broker } from "../broker.ts";
import type { RedisError } from "../errors.ts";
import { nameOf } from "../invariants/confirm-findings.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";
import { taskKey } from "../keys.ts";
import { Task } from "../task.ts";
import type { ManualClock } from "../testing/manual-clock.ts";
import { aggregate } from "../ticks/aggregate.ts";
import { forward } from "../ticks/forward.ts";
import { janitor } from "../ticks/janitor.ts";
import { recover } from "../ticks/recover.ts";
import { repair } from "../ticks/repair.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { aggregationCheck } from "./aggregation-check.ts";
import { deleteAggregated } from "./delete-aggregated.ts";
import { deleteExpired } from "./delete-expired.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { estimateMemory } from "./estimate-memory.ts";
import { extendAggregationSet } from "./extend-aggregation-set.ts";
import { extendLeases } from "./extend-leases.ts";
import { forwardDue } from "./forward-due.ts";
import { deleteQuarantined, releaseQuarantined } from "./leave-quarantine.ts";
import { listExpiredLeases } from "./list-expired-leases.ts";
import { listGroups } from "./list-groups.ts";
import { listQuarantined } from "./list-quarantined.ts";
import { pauseQueue } from "./pause-queue.ts";
import { readAggregationSet } from "./read-aggregation-set.ts";
import { readHandedBack } from "./read-handed-back.ts";
import { readQueueStats } from "./read-queue-stats.ts";
import { reclaimStaleAggregationSets } from "./reclaim-stale-aggregation-sets.ts";
import { repairKeys } from "./repair-keys.ts";
import { repairQueue } from "./repair-queue.ts";
import { replaceAggregationSet } from "./replace-aggregation-set.ts";
import { setMembersAside } from "./set-members-aside.ts";
import { settle, type TaskOutcome } from "./settle.ts";
import { writeLog } from "./write-log.ts";
import { writeResult } from "./write-result.ts";

interface World {
  readonly broker: Broker;
  readonly clock: ManualClock;
  readonly aTask: Parameters<typeof seedEveryState>[1];
  readonly held: Awaited<ReturnType<typeof seedEveryState>>;
}

interface Operation {
  readonly run: (world: World) => Promise<unknown>;
  /** The tasks it may delete. */
  readonly deletes?: readonly string[];
}

const msg = ({ held }: World) => patchTaskMessage(held.active.msg, { retried: 1 });
const settles = (outcome: (world: World) => object): Operation["run"] => {
  return (world) => {
    const fence = { token: world.held.active.token };
    return settle(world.broker, [{ queue: "default", id: "active", fence, ...outcome(world) } as unknown as TaskOutcome]);
  };
};

/** Every operation that runs one script on one queue. */
const operations: Readonly<Record<string, Operation>> = {
  "enqueue at once": { run: ({ broker, aTask }) => enqueue(broker, [aTask({ taskId: "new", uniqueTtlSec: 60 })]) },
  "enqueue for later": { run: ({ broker, aTask }) => enqueue(broker, [aTask({ taskId: "new", uniqueTtlSec: 60, processInSec: 60 })]) },
  "enqueue into a group": { run: ({ broker, aTask }) => enqueue(broker, [aTask({ taskId: "new", uniqueTtlSec: 60, group: "g" })]) },
  dequeue: { run: ({ broker }) => dequeue(broker, ["default"], 10) },
  "settle: done": {
    run: settles(({ held }) => ({ to: "done", uniqueKey: decodeTaskMessage(held.active.msg, "active").uniqueKey })),
    deletes: ["active"],
  },
  "settle: completed": { run: settles((world) => ({ to: "completed", msg: msg(world), expireAtSec: startSec + 600 })) },
  "settle: retry": { run: settles((world) => ({ to: "retry", msg: msg(world), retryAtSec: startSec + 600, isFailure: true })) },
  "settle: recovered": {
    run: settles((world) => ({ to: "recovered", msg: msg(world), retryAtSec: startSec + 600, recovered: "1@1" })),
  },
  "settle: handed back": { run: settles((world) => ({ to: "handed-back", msg: msg(world), dueAtSec: startSec + 600, handedBack: 1 })) },
  "settle: archived": { run: settles((world) => ({ to: "archived", msg: msg(world) })) },
  "settle: requeued": { run: settles(() => ({ to: "requeued" })) },
  "settle: quarantined": { run: settles(() => ({ to: "quarantined", why: "for the test" })) },
  extendLeases: { run: ({ broker, held }) => extendLeases(broker, [held.active], startSec + 600) },
  writeResult: { run: ({ broker, held }) => writeResult(broker, held.active, new Uint8Array([1])) },
  writeLog: { run: ({ broker, held }) => writeLog(broker, held.active, [{ message: "line", atMs: 0 }]) },
  "forwardDue: scheduled": { run: ({ broker }) => forwardDue(broker, [{ queue: "default", from: "scheduled" }]) },
  "forwardDue: retry": { run: ({ broker }) => forwardDue(broker, [{ queue: "default", from: "retry" }]) },
  listExpiredLeases: { run: ({ broker }) => listExpiredLeases(broker, "default", startSec + 100) },
  reclaimStaleAggregationSets: { run: ({ broker }) => reclaimStaleAggregationSets(broker, "default") },
  deleteExpired: { run: ({ broker }) => deleteExpired(broker, ["default"]), deletes: ["completed"] },
  deleteAggregated: { run: ({ broker }) => deleteAggregated(broker, ["default"]) },
  aggregationCheck: {
    run: ({ broker }) => aggregationCheck(broker, "default", ["g"], { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 1 }),
  },
  extendAggregationSet: { run: ({ broker, held }) => extendAggregationSet(broker, held.set, startSec + 600) },
  readAggregationSet: { run: ({ broker, held }) => readAggregationSet(broker, held.set) },
  replaceAggregationSet: {
    run: ({ broker, held, aTask }) => replaceAggregationSet(broker, held.set, aTask({ taskId: "new" })),
    deletes: ["in-a-set", "unique-in-a-set"],
  },
  setMembersAside: { run: ({ broker, held }) => setMembersAside(broker, held.set, [{ id: "in-a-set", why: "for the test" }]) },
  releaseQuarantined: { run: ({ broker }) => releaseQuarantined(broker, "default", ["quarantined"]) },
  deleteQuarantined: { run: ({ broker }) => deleteQuarantined(broker, "default", ["quarantined"]), deletes: ["quarantined"] },
  listQuarantined: { run: ({ broker }) => listQuarantined(broker, "default") },
  listGroups: { run: ({ broker }) => listGroups(broker, "default") },
  readQueueStats: { run: ({ broker }) => readQueueStats(broker, ["default"]) },
  estimateMemory: { run: ({ broker }) => estimateMemory(broker, ["default"]) },
  readHandedBack: { run: ({ broker, held }) => readHandedBack(broker, held.active) },
  pauseQueue: { run: ({ broker }) => pauseQueue(broker, "default") },
  repairQueue: { run: ({ broker }) => repairQueue(broker, "default") },
  repairKeys: {
    run: ({ broker }) => {
      const rests = ["t:pending", "t:active", "t:aggregating", "t:in-a-set", "g:g", "unique:t:none"];
      return repairKeys(
        broker,
        "default",
        rests.map((rest) => ({ rest, ripe: true })),
      );
    },
  },
};

/** One key of each kind. `SET` and `LOCK` stand for the set and the lock that are there. */
const kinds: readonly string[] = [
  ...["active", "pending", "scheduled", "aggregating", "in-a-set", "completed", "archived", "quarantined"].map((id) => `t:${id}`),
  ...["active", "lease", "pending", "scheduled", "retry", "archived", "completed", "js:quarantine"],
  ...["groups", "g:g", "SET", "aggregation_sets", "js:aggregated", "LOCK"],
  ...["processed", "processed:2040-01-02", "failed", "failed:2040-01-02", "paused", "js:repair"],
];

type Space = ReadonlyMap<string, string>;

describe.runIf(inject("brokerPort") === "redis")("hole I: a key of the wrong kind", () => {
  const prepared = test.extend<{ readonly world: World; readonly reset: (rest: string) => Promise<string> }>({
    world: async ({ broker, clock, aTask }, use) => {
      const held = await seedEveryState(broker, aTask);
      await seedEveryState(broker, aTask, "low");
      clock.jump(61_000);
      await use({ broker, clock, aTask, held });
    },
    reset: async ({ redis, world }, use) => {
      const { group, setId } = world.held.set;
      const names: Readonly<Record<string, string>> = {
        SET: `g:${group}:${setId}`,
        LOCK: decodeTaskMessage(world.held.active.msg, "active").uniqueKey!.slice("asynq:{default}:".length),
      };
      const sound = await dump(redis);
      await use(async (rest) => {
        const key = `asynq:{default}:${names[rest] ?? rest}`;
        const pipeline = redis.pipeline().del(...(await redis.keys("asynq:{default}:*")));
        for (const [name, bytes] of sound) pipeline.restore(name, 0, bytes);
        const isString = /^(LOCK|processed|failed|paused|js:repair)/.test(rest);
        await (isString ? pipeline.del(key).rpush(key, "of the wrong kind") : pipeline.set(key, "of the wrong kind")).exec();
        return key;
      });
    },
  });

  for (const rest of kinds) {
    prepared(
      `in the place of ${rest} is refused or passed over by each operation, and nothing is moved half the way`,
      async ({ redis, port, world, reset }) => {
        const scanned = async () => (await scanInvariants(port, { queues: ["default"] })).findings;
        const key = await reset(rest);
        const before = await read(redis);
        const known = new Set((await scanned()).map(nameOf));
        for (const [name, { run, deletes = [] }] of Object.entries(operations)) {
          await reset(rest);

          const errors = await errorsOf(() => run(world));

          const after = await read(redis);
          expect([name, errors.filter((error) => (error as RedisError).reply !== "WRONGTYPE")]).toEqual([name, []]);
          if (errors.length > 0) expect([name, changesOf(before, after)]).toEqual([name, []]);
          const gone = [...before.keys()].filter((key) => !after.has(key) && key.startsWith(taskKey("default", "")));
          expect([name, gone.filter((key) => !deletes.some((id) => key === taskKey("default", id)))]).toEqual([name, []]);
          if (!gone.includes(key)) expect([name, after.get(key)]).toEqual([name, before.get(key)]);
          // Of the task whose own key it is there is nothing left to keep.
          const found = (await scanned()).filter((finding) => !known.has(nameOf(finding)));
          expect([name, found.filter(({ key: at, id = "" }) => at !== key && taskKey("default", id) !== key)]).toEqual([name, []]);
        }
      },
    );

    prepared(`in the place of ${rest} keeps no tick and no worker from the queue beside it`, async ({ redis, world, reset }) => {
      await reset(rest);
      const { broker, clock } = world;
      const queues = ["default", "low"];

      const reports = [
        await forward(broker, { queues }),
        await recover(broker, { queues }),
        await aggregate(broker, { queues, gracePeriodSec: 1, aggregator: () => new Task("digest", "", { taskId: "digest" }) }),
        await janitor(broker, { queues }),
        await repair(broker, { queues, sweep: true }),
      ];

      expect(reports.flatMap(({ errors }) => errors.map(({ queue }) => queue)).filter((queue) => queue !== "default")).toEqual([]);
      const low = (place: string) => `asynq:{low}:${place}`;
      expect((await redis.lrange(low("pending"), "0", "-1")).sort()).toEqual([
        "digest",
        "grouped-later",
        "pending",
        "recovered",
        "retry",
        "scheduled",
      ]);
      expect(await redis.zrange(low("retry"), "0", "-1")).toEqual(["active"]);
      expect(await redis.exists(low("scheduled"), low("completed"), low("active"), low("lease"))).toBe(0);
      await clock.advance(1_000);
      const { tasks } = await dequeue(broker, queues, 100);
      expect(tasks.flatMap(({ queue, id }) => (queue === "low" ? id : [])).length).toBeGreaterThanOrEqual(4);
    });
  }
});

/** Everything that went wrong, thrown or answered. */
async function errorsOf(act: () => Promise<unknown>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const look = (value: unknown): void => {
    if (value instanceof Error) errors.push(value);
    else if (Array.isArray(value)) for (const part of value) look(part);
    else if (typeof value === "object" && value !== null && !(value instanceof Uint8Array)) look(Object.values(value));
  };
  try {
    look(await act());
  } catch (error) {
    look(error);
  }
  return errors;
}

/** The keys of which one is not as it was. */
function changesOf(before: Space, after: Space): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
}

/** Every key of the queue `default` but the call records, to be restored. */
async function dump(redis: Redis): Promise<Map<string, Buffer>> {
  const keys = (await redis.keys("asynq:{default}:*")).filter((key) => !key.includes(":js:call:"));
  return new Map(await Promise.all(keys.map(async (key) => [key, (await redis.dumpBuffer(key))!] as const)));
}

/** Every key of the queue `default` but the call records, as text, in few round trips: `readKeyspace` takes a hundred. */
async function read(redis: Redis): Promise<Space> {
  const keys = (await redis.keys("asynq:{default}:*")).filter((key) => !key.includes(":js:call:"));
  const types = await Promise.all(keys.map((key) => redis.type(key)));
  const values = await Promise.all(
    keys.map((key, i) => {
      if (types[i] === "list") return redis.lrange(key, "0", "-1");
      if (types[i] === "zset") return redis.zrange(key, "0", "-1", "WITHSCORES");
      if (types[i] === "set") return redis.smembers(key).then((members) => members.sort());
      if (types[i] === "hash") return redis.hgetall(key).then((hash) => Object.entries(hash).sort());
      return redis.get(key);
    }),
  );
  return new Map(keys.map((key, i) => [key, JSON.stringify(values[i])]));
}
