import { Redis } from "ioredis";
import { describe, inject } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { type Broker, makeBroker } from "../broker.ts";
import { archiveTasks } from "../inspector/archive-tasks.ts";
import { deleteTasks } from "../inspector/delete-tasks.ts";
import { redriveTasks } from "../inspector/redrive-tasks.ts";
import { rescheduleTasks } from "../inspector/reschedule-tasks.ts";
import { runTasks } from "../inspector/run-tasks.ts";
import * as keys from "../keys.ts";
import { ioredisPort } from "../redis/ioredis.ts";
import { bind, run } from "../script.ts";
import { aggregationCheck } from "./aggregation-check.ts";
import { deleteAggregated } from "./delete-aggregated.ts";
import { deleteExpired } from "./delete-expired.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { extendAggregationSet } from "./extend-aggregation-set.ts";
import { extendLeases } from "./extend-leases.ts";
import { forwardDue } from "./forward-due.ts";
import { releaseQuarantined } from "./leave-quarantine.ts";
import { readAggregationSet } from "./read-aggregation-set.ts";
import { reclaimStaleAggregationSets } from "./reclaim-stale-aggregation-sets.ts";
import { repairKeys } from "./repair-keys.ts";
import { replaceAggregationSet } from "./replace-aggregation-set.ts";
import { acquireToken, releaseToken } from "./semaphore.ts";
import { setMembersAside } from "./set-members-aside.ts";
import { settle } from "./settle.ts";
import { writeLog } from "./write-log.ts";
import { writeResult } from "./write-result.ts";
import { writeServerStateScript } from "./write-server-state.ts";

const set = { queue: "default", group: "g", setId: "s" };
const held = { queue: "default", id: "a", token: 1 };
const server = { host: "h", pid: 1, serverId: "s" };
const holder = { scope: "s", taskId: "a" };

const [pending, active, lease, scheduled, retry, archived, completed, quarantine, groups, sets, aggregated] = [
  keys.pendingKey,
  keys.activeKey,
  keys.leaseKey,
  keys.scheduledKey,
  keys.retryKey,
  keys.archivedKey,
  keys.completedKey,
  keys.quarantineKey,
  keys.groupsKey,
  keys.aggregationSetsKey,
  keys.aggregatedKey,
].map((key) => key("default")) as [string, string, string, string, string, string, string, string, string, string, string];
const setKey = keys.aggregationSetKey("default", "g", "s");
const groupKey = keys.groupKey("default", "digests");
const taskKey = keys.taskKey("default", "a");

type ATask = Parameters<typeof replaceAggregationSet>[2];

/** Which containers an operation may write to, or has to read; `settle` and `dequeue` have tests of their own. */
const operations: Readonly<
  Record<string, { readonly touches: readonly string[]; readonly act: (broker: Broker, digest: ATask) => Promise<unknown> }>
> = {
  acquireToken: {
    touches: [keys.semaphoreKey("s")],
    act: (broker) => acquireToken(broker, { ...holder, maxTokens: 1, untilMs: startSec * 1000 }),
  },
  releaseToken: { touches: [keys.semaphoreKey("s")], act: (broker) => releaseToken(broker, holder) },
  aggregationCheck: {
    touches: [sets, groups],
    act: (broker) => aggregationCheck(broker, "default", ["g"], { gracePeriodSec: 0, maxDelaySec: 0, maxSize: 0 }),
  },
  deleteAggregated: { touches: [aggregated], act: (broker) => deleteAggregated(broker, ["default"]) },
  deleteExpired: { touches: [completed, archived], act: (broker) => deleteExpired(broker, ["default"]) },
  extendAggregationSet: { touches: [sets], act: (broker) => extendAggregationSet(broker, set, startSec) },
  extendLeases: { touches: [lease], act: (broker) => extendLeases(broker, [held], startSec) },
  "forwardDue from scheduled": {
    touches: [scheduled, pending, groups, quarantine],
    act: (broker) => forwardDue(broker, [{ queue: "default", from: "scheduled" }]),
  },
  "forwardDue from retry": { touches: [retry], act: (broker) => forwardDue(broker, [{ queue: "default", from: "retry" }]) },
  releaseQuarantined: { touches: [quarantine, pending, groups], act: (broker) => releaseQuarantined(broker, "default", ["a"]) },
  readAggregationSet: { touches: [setKey], act: (broker) => readAggregationSet(broker, set) },
  reclaimStaleAggregationSets: { touches: [sets, groups], act: (broker) => reclaimStaleAggregationSets(broker, "default") },
  repairKeys: {
    touches: [pending, active, lease, groups, sets, aggregated],
    act: (broker) => repairKeys(broker, "default", [{ rest: "t:a", ripe: true }]),
  },
  replaceAggregationSet: {
    touches: [setKey, sets, aggregated, pending, scheduled, groups, groupKey],
    act: (broker, digest) => replaceAggregationSet(broker, set, digest),
  },
  ...Object.fromEntries(
    Object.entries({ archiveTasks, deleteTasks, runTasks }).map(([name, act]) => [
      name,
      {
        touches: [pending, scheduled, retry, archived, completed, groups],
        act: (broker: Broker) => act(broker, "default", ["a"]),
      },
    ]),
  ),
  rescheduleTasks: {
    touches: [pending, scheduled, retry, groups],
    act: (broker) => rescheduleTasks(broker, "default", ["a"], new Date(startSec * 1000)),
  },
  redriveTasks: {
    touches: [pending, retry, archived],
    act: async (broker) => {
      await archiveTasks(broker, "default", ["a"]).catch(() => {});
      return redriveTasks(broker, "default", ["a"]);
    },
  },
  setMembersAside: { touches: [setKey, sets, quarantine], act: (broker) => setMembersAside(broker, set, [{ id: "a" }]) },
  writeLog: { touches: [lease, taskKey], act: (broker) => writeLog(broker, held, [{ message: "m", atMs: 0 }]) },
  writeResult: { touches: [lease, taskKey], act: (broker) => writeResult(broker, held, new Uint8Array(1)) },
  writeServerState: {
    touches: [keys.workersKey(server)],
    act: (broker) =>
      run(
        broker,
        bind(writeServerStateScript, {
          queue: "h:1:s",
          keys: { server: keys.serverKey(server), workers: keys.workersKey(server) },
          args: { ttl_s: 1, part: "more", info: new Uint8Array() },
          items: [{ task_id: "a", worker_info: new Uint8Array(1) }],
        }),
      ),
  },
};

/** A value of the kind that a container has. */
function fill(redis: Redis, key: string): Promise<unknown> {
  if (key === pending || key === active) return redis.lpush(key, "x");
  if (key === sets || key === aggregated) return redis.zadd(key, 1, keys.aggregationSetKey("default", "none", "s"));
  if (key === groups) return redis.sadd(key, "x");
  if (key === taskKey || key === keys.workersKey(server)) return redis.hset(key, "x", "x");
  return redis.zadd(key, 1, "x");
}

test.runIf(inject("brokerPort") === "redis")(
  "what may not be asked how much it holds is not told to be broken",
  async ({ broker, seedPending, redis, redisUrl, keyspace }) => {
    await seedPending("a", "b");
    const [a] = (await dequeue(broker, ["default"], 1)).tasks;
    await redis.call("ACL", "SETUSER", "counts-nothing", "on", ">s3cret", "~*", "&*", "+@all", "-llen", "-zcard");
    const client = new Redis(redisUrl.replace("//", "//counts-nothing:s3cret@"), { protocol: 2 });
    const narrow = makeBroker({ ...broker, redis: ioredisPort(client) });
    const before = await keyspace();

    await expect(dequeue(narrow, ["default"], 1)).rejects.toMatchObject({ code: "REDIS" });
    for (const rights of [[], ["+llen", "+zcard", "-zmscore"]]) {
      await redis.call("ACL", "SETUSER", "counts-nothing", ...rights);
      const { results } = await settle(narrow, [{ queue: "default", id: "a", fence: { token: a!.token }, to: "done" }]);
      expect(results).toMatchObject([{ error: { code: "REDIS", message: expect.stringMatching(/^redis refused: (?!.*wrong kind)/) } }]);
      expect(await keyspace()).toEqual(before);
    }
    client.disconnect();
    await redis.call("ACL", "DELUSER", "counts-nothing");
  },
);

describe.each(Object.entries(operations))("%s", (_, { touches, act }) => {
  test("takes containers that hold something of the right kind", async ({ broker, redis, aTask }) => {
    for (const key of touches) await fill(redis, key);

    const answered = await act(broker, aTask({ taskId: "digest", group: "digests" })).catch((error: unknown) => ({ error }));

    const { error } = Object([answered].flat()[0]) as { error?: { code: string } };
    expect([undefined, "LEASE_LOST"]).toContain(error?.code);
  });

  test.for(touches)("refuses a value of the wrong kind at %s, and moves nothing", async (key, { broker, redis, aTask, keyspace }) => {
    await enqueue(broker, [aTask({ taskId: "a" }), aTask({ taskId: "g1", group: "g" })]);
    await redis.del(key);
    await redis.set(key, "in the way");
    const before = await keyspace();

    const answered = await act(broker, aTask({ taskId: "digest", group: "digests" })).catch((error: unknown) => ({ error }));

    const { error } = Object([answered].flat()[0]) as { error?: unknown };
    expect(error).toMatchObject({ code: "REDIS", reply: "WRONGTYPE", message: expect.stringContaining("nothing was moved") });
    expect(await keyspace()).toEqual(before);
  });
});
