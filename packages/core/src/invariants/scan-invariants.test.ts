import type { Redis } from "ioredis";
import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everyId, seedEveryState } from "../../../../test/support/every-state.ts";
import { restoreGoState } from "../../../../test/support/go-state.ts";
import { aggregationCheck } from "../broker/aggregation-check.ts";
import { dequeue } from "../broker/dequeue.ts";
import { enqueue } from "../broker/enqueue.ts";
import { settle, type TaskOutcome } from "../broker/settle.ts";
import { leaseScore } from "../lease.ts";
import type { RedisPort } from "../redis.ts";
import { forward } from "../ticks/forward.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import type { Finding, Invariant } from "./finding.ts";
import { scanInvariants } from "./scan-invariants.ts";

/** In a larger database a queue is read in parts. */
async function addOtherKeys(redis: Redis): Promise<void> {
  const fill = `for i = 1, 1001 do redis.call("SET", KEYS[1] .. i, "x") end`;
  await redis.eval(fill, 1, "{default}:of-something-else:");
}

/** Breaks what holds of the queue that `seedEveryState` made. */
interface Breaking {
  readonly name: string;
  readonly by: (redis: Redis) => Promise<unknown>;
  readonly found: readonly (readonly [Invariant, string | undefined])[];
}

const key = (rest: string): string => `asynq:{default}:${rest}`;
const message = (over: Partial<Parameters<typeof encodeTaskMessage>[0]>): Buffer =>
  Buffer.from(
    encodeTaskMessage({ type: "t", payload: new Uint8Array(), id: "pending", queue: "default", retry: 25, retried: 0, ...over }).bytes,
  );

const breakings: readonly Breaking[] = [
  {
    name: "a task in no container",
    by: (r) => r.del(key("scheduled")),
    found: [
      ["I1", "grouped-later"],
      ["I1", "scheduled"],
    ],
  },
  { name: "a task in two sorted sets", by: (r) => r.zadd(key("retry"), startSec, "scheduled"), found: [["I1", "scheduled"]] },
  { name: "a task twice in a list", by: (r) => r.rpush(key("pending"), "pending"), found: [["I1", "pending"]] },
  { name: "a task in a group beside its state", by: (r) => r.zadd(key("g:g"), startSec, "retry"), found: [["I1", "retry"]] },
  {
    name: "a task in the archive and in an aggregation set that no index names, of a queue that inspectors do not see",
    by: async (r) => {
      await r.zadd(key("archived"), startSec, "in-a-set");
      await r.del(key("aggregation_sets"));
      await r.del("asynq:queues");
    },
    found: [
      ["I1", "in-a-set"],
      ["I10", undefined],
      ["I9", undefined],
    ],
  },
  {
    name: "a task in another's group and in an aggregation set that no index names",
    by: async (r) => {
      await r.zadd(key("g:g"), startSec, "in-a-set");
      await r.hset(key("t:in-a-set"), "group", "h");
      const set = key("g:h:c318ce67-548c-4f9f-878e-25f4daeb5929");
      await r.zadd(set, startSec, "in-a-set");
    },
    found: [
      ["I1", "in-a-set"],
      ["I9", undefined],
    ],
  },
  {
    name: "a container that is no container",
    by: async (r) => {
      await r.del(key("archived"));
      await r.set(key("archived"), "x");
    },
    found: [
      ["I1", undefined],
      ["I1", "archived"],
    ],
  },
  { name: "a key of a task that is no hash", by: (r) => r.set(key("t:wrong"), "x"), found: [["I1", "wrong"]] },
  { name: "a state that is not the container's", by: (r) => r.hset(key("t:pending"), "state", "retry"), found: [["I2", "pending"]] },
  { name: "no state", by: (r) => r.hdel(key("t:pending"), "state"), found: [["I2", "pending"]] },
  {
    name: "a group that is not the container's",
    by: (r) => r.hset(key("t:aggregating"), "group", "other"),
    found: [["I2", "aggregating"]],
  },
  { name: "no message", by: (r) => r.hdel(key("t:pending"), "msg"), found: [["I3", "pending"]] },
  { name: "a message that cannot be read", by: (r) => r.hset(key("t:pending"), "msg", "\xff"), found: [["I3", "pending"]] },
  { name: "another task's message", by: (r) => r.hset(key("t:pending"), "msg", message({ id: "other" })), found: [["I3", "pending"]] },
  { name: "another queue's message", by: (r) => r.hset(key("t:pending"), "msg", message({ queue: "other" })), found: [["I3", "pending"]] },
  { name: "set aside without a why", by: (r) => r.hdel(key("t:quarantined"), "js:why"), found: [["I3", "quarantined"]] },
  {
    name: "a score that is no whole second",
    by: (r) => r.zadd(key("scheduled"), startSec + 0.5, "scheduled"),
    found: [["I3", "scheduled"]],
  },
  { name: "an age that is none", by: (r) => r.hset(key("t:pending"), "pending_since", "1.5e9"), found: [["I3", "pending"]] },
  { name: "an id without a hash", by: (r) => r.rpush(key("pending"), "gone"), found: [["I4", "gone"]] },
  { name: "an id in a group without a hash", by: (r) => r.zadd(key("g:g"), startSec, "gone"), found: [["I4", "gone"]] },
  { name: "an id in a set whose hash is gone", by: (r) => r.del(key("t:in-a-set")), found: [["I4", "in-a-set"]] },
  {
    name: "an id whose key is no hash",
    by: async (r) => {
      await r.del(key("t:pending"));
      await r.set(key("t:pending"), "x");
    },
    found: [["I4", "pending"]],
  },
  { name: "an active task without a lease", by: (r) => r.zrem(key("lease"), "active"), found: [["I5", "active"]] },
  { name: "a lease of what is not active", by: (r) => r.zadd(key("lease"), startSec, "pending"), found: [["I6", "pending"]] },
  { name: "a lease of nothing", by: (r) => r.zadd(key("lease"), startSec, "gone"), found: [["I6", "gone"]] },
  {
    name: "a lease with a fraction that is no token",
    by: (r) => r.zadd(key("lease"), startSec + 0.1, "active"),
    found: [["I7", "active"]],
  },
  { name: "a lock whose task is gone", by: (r) => r.set(key("unique:t:1"), "gone", "EX", 60), found: [["I8", "gone"]] },
  { name: "a lock of a task that has another", by: (r) => r.set(key("unique:t:1"), "retry", "EX", 60), found: [["I8", "retry"]] },
  { name: "a lock of a task that has none", by: (r) => r.set(key("unique:t:1"), "pending", "EX", 60), found: [["I8", "pending"]] },
  { name: "a lock that is no string", by: (r) => r.rpush(key("unique:t:1"), "pending"), found: [["I8", undefined]] },
  {
    name: "a task whose lock its message does not name",
    by: (r) => r.hset(key("t:pending"), "unique_key", key("unique:t:1")),
    found: [["I8", "pending"]],
  },
  { name: "a group that is in no index", by: (r) => r.srem(key("groups"), "g"), found: [["I9", undefined]] },
  { name: "an aggregation set that is in no index", by: (r) => r.del(key("aggregation_sets")), found: [["I9", undefined]] },
  { name: "a group that is no sorted set", by: (r) => r.set(key("g:other"), "x"), found: [["I9", undefined]] },
  { name: "a queue that inspectors do not see", by: (r) => r.del("asynq:queues"), found: [["I10", undefined]] },
  {
    name: "an index of queues that is none",
    by: async (r) => {
      await r.del("asynq:queues");
      await r.set("asynq:queues", "x");
    },
    found: [["I10", undefined]],
  },
  { name: "more failures than were processed", by: (r) => r.set(key("failed"), 100), found: [["I11", undefined]] },
  { name: "a day with more than all", by: (r) => r.set(key("processed:2039-12-31"), 100), found: [["I11", undefined]] },
  { name: "a day with more failures than it processed", by: (r) => r.set(key("failed:2039-12-31"), 1), found: [["I11", undefined]] },
  { name: "a count that is none", by: (r) => r.set(key("processed:2039-12-31"), "many"), found: [["I11", undefined]] },
  { name: "a count of another kind", by: (r) => r.rpush(key("processed:2039-12-31"), "1"), found: [["I11", undefined]] },
  { name: "more retries than allowed", by: (r) => r.hset(key("t:pending"), "msg", message({ retried: 26 })), found: [["I15", "pending"]] },
  { name: "a crash count that is none", by: (r) => r.hset(key("t:recovered"), "js:recovered", "many"), found: [["I15", "recovered"]] },
  { name: "a crash count past the end", by: (r) => r.hset(key("t:recovered"), "js:recovered", "3@0"), found: [["I15", "recovered"]] },
  {
    name: "two suspects that one call took",
    by: async (r) => {
      await r.lrem(key("pending"), 0, "pending");
      await r.lpush(key("active"), "pending");
      await r.zadd(key("lease"), leaseScore(startSec, 7), "pending", leaseScore(startSec, 7), "active");
      for (const id of ["pending", "active"]) await r.hset(key(`t:${id}`), "state", "active", "js:recovered", "1@0");
    },
    found: [
      ["I15", "active"],
      ["I15", "pending"],
    ],
  },
];

for (const mode of ["whole", "in parts"]) {
  describe(`scanInvariants, reading a queue ${mode}`, () => {
    const prepare = async (redis: Redis): Promise<void> => {
      if (mode === "in parts") await addOtherKeys(redis);
    };

    test("finds nothing in an empty database", async ({ redis, port }) => {
      await prepare(redis);
      expect(await scanInvariants(port)).toEqual({ findings: [], more: false, tasks: 0, queues: 0, states: [] });
    });

    test("finds nothing where tasks are in every state, and changes nothing", async ({ redis, port, broker, aTask, keyspace }) => {
      await seedEveryState(broker, aTask);
      await prepare(redis);
      const before = await keyspace();

      const report = await scanInvariants(port);

      expect(report).toMatchObject({ findings: [], more: false, tasks: everyId.length, queues: 1 });
      expect(report.states).toMatchObject([{ queue: "default", paused: false, active: ["active"] }]);
      expect(report.states[0]!.counters.get("processed")).toBe("3");
      expect(await keyspace()).toEqual(before);
    });

    for (const { name, by, found } of breakings) {
      test(`finds ${name}`, async ({ redis, port, broker, aTask }) => {
        await seedEveryState(broker, aTask);
        await by(redis);
        await prepare(redis);

        // What a Cluster's nodes hold that no inspector sees has to be named.
        const { cluster } = await port.features();
        const { findings } = await scanInvariants(port, cluster ? { queues: ["default"] } : {});

        expect(brief(findings)).toEqual(found);
      });
    }

    for (const state of ["pending", "active", "archived", "aggregating"] as const) {
      test(`finds nothing in the state "${state}" that Go left`, async ({ redis, port }) => {
        await restoreGoState(redis, state);
        await prepare(redis);

        expect((await scanInvariants(port)).findings).toEqual([]);
      });
    }
  });
}

describe("scanInvariants, reading a list that is too long to look for each id in it", () => {
  const seedLong = async (redis: Redis): Promise<void> => {
    await redis.sadd("asynq:queues", "default");
    const pipeline = redis.pipeline();
    for (let i = 0; i < 1_200; i++) {
      const msg = encodeTaskMessage({ type: "t", payload: new Uint8Array(), id: `${i}`, queue: "default", retry: 1, retried: 0 }).bytes;
      pipeline.hset(key(`t:${i}`), { msg: Buffer.from(msg), state: "pending" });
      pipeline.lpush(key("pending"), `${i}`);
    }
    await pipeline.exec();
  };

  test("finds nothing where each is there once", async ({ redis, port }) => {
    await seedLong(redis);

    expect(await scanInvariants(port, { queues: ["default"] })).toMatchObject({ findings: [], tasks: 1_200, queues: 1 });
  });

  test("finds ids that are there twice, not at all, or without a hash", async ({ redis, port }) => {
    await seedLong(redis);
    await redis.lpush(key("pending"), "7");
    await redis.lrem(key("pending"), 0, "8");
    await redis.del(key("t:9"));

    const { findings } = await scanInvariants(port, { queues: ["default"] });

    expect(brief(findings)).toEqual([
      ["I1", "7"],
      ["I1", "8"],
      ["I4", "9"],
    ]);
  });

  test("keeps as many findings as it is asked to, and says that there were more", async ({ redis, port }) => {
    await seedLong(redis);
    await redis.del(key("pending"));

    const report = await scanInvariants(port, { queues: ["default"], limit: 3 });

    expect(report.findings).toHaveLength(3);
    expect(report.more).toBe(true);
  });

  test("tells nothing of what moved between two reads", async ({ redis, port, broker }) => {
    await seedLong(redis);
    let reads = 0;
    const moving: RedisPort = {
      ...port,
      send: async (commands, options) => {
        const results = await port.send(commands, options);
        // After the list was read, tasks in it are taken, and others are enqueued.
        if (commands[0]![0] === "LRANGE" && reads++ === 1) {
          await dequeue(broker, ["default"], 100);
          await redis.hset(key("t:new"), { msg: message({ id: "new" }), state: "pending" });
          await redis.lpush(key("pending"), "new");
        }
        return results;
      },
    };

    expect((await scanInvariants(moving, { queues: ["default"] })).findings).toEqual([]);
    expect(reads).toBeGreaterThan(1);
  });
});

test("of a queue that inspectors do not see it finds tasks in a group and in a set of it, whichever Redis lists first", async ({
  redis,
  port,
  broker,
  aTask,
}) => {
  const ids = ["0", "1", "2", "3", "4", "5", "6", "7"];
  await enqueue(
    broker,
    ids.map((taskId) => aTask({ taskId, group: taskId })),
  );
  for (const id of ids) {
    const set = key(`g:${id}:c318ce67-548c-4f9f-878e-25f4daeb592${id}`);
    await redis.zadd(set, startSec, id);
    await redis.zadd(key("aggregation_sets"), startSec, set);
  }
  await redis.del("asynq:queues");

  const { findings } = await scanInvariants(port, { queues: ["default"] });

  expect(brief(findings)).toEqual([...ids.map((id) => ["I1", id]), ["I10", undefined]]);
});

test("scanInvariants tells nothing of a sound queue in which everything moves while it is read in parts", async ({
  redis,
  port,
  broker,
  other,
  aTask,
}) => {
  await addOtherKeys(redis);
  let scanning = true;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let i = 0; scanning; i++) {
      await enqueue(broker, [
        aTask({ taskId: `a${i}`, uniqueTtlSec: 60, payload: `${i}` }),
        aTask({ taskId: `g${i}`, group: `g${i % 3}` }),
      ]);
      await aggregationCheck(broker, "default", [`g${i % 3}`], { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 5 });
      const { tasks } = await dequeue(other, ["default"], 1);
      const outcomes = tasks.map(({ queue, id, token, msg }): TaskOutcome => {
        const to = { queue, id, fence: { token } };
        if (i % 3 > 0) return { ...to, to: "done", uniqueKey: decodeTaskMessage(msg, id).uniqueKey };
        return { ...to, to: "retry", msg: patchTaskMessage(msg, { retried: 1 }), retryAtSec: startSec, isFailure: true };
      });
      await settle(other, outcomes);
      await forward(broker, { queues: ["default"] });
      done += outcomes.length;
    }
  };
  const working = work();

  // On a Cluster the queue's name, which has a slot of its own, may come after its first tasks.
  while (done === 0) await new Promise((resolve) => setImmediate(resolve));
  // One during which nothing moved says nothing.
  for (let scans = 0; scans < 10; ) {
    const doneBefore = done;
    expect((await scanInvariants(port, { queues: ["default"] })).findings).toEqual([]);
    if (done > doneBefore) scans++;
  }

  scanning = false;
  await working;
});

describe("scanInvariants, told how long a task may be due", () => {
  for (const mode of ["whole", "in parts"]) {
    test(`finds what nobody took on, reading ${mode}`, async ({ redis, port, broker, aTask }) => {
      await seedEveryState(broker, aTask);
      if (mode === "in parts") await addOtherKeys(redis);
      const at = (nowSec: number) => scanInvariants(port, { overdueSec: 30, nowSec });

      expect((await at(startSec + 60)).findings).toEqual([]);
      expect(brief((await at(startSec + 61)).findings)).toEqual([["I13", "active"]]);
      expect(brief((await at(startSec + 600)).findings)).toEqual(
        ["active", "grouped-later", "recovered", "retry", "scheduled"].map((id) => ["I13", id]),
      );
    });
  }
});

/** What is found, by invariant and id. */
function brief(findings: readonly Finding[]): (readonly [Invariant, string | undefined])[] {
  return findings.map(({ invariant, id }) => [invariant, id] as const).sort((a, b) => (`${a}` < `${b}` ? -1 : 1));
}
