/** Makes each transition of the table happen, on every port: what the table says is what Redis holds. */
import { describe } from "vitest";
import { test as aggregationTest, expect } from "../../../../test/support/aggregation-test.ts";
import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { archiveTasks } from "../inspector/archive-tasks.ts";
import { deleteTasks } from "../inspector/delete-tasks.ts";
import { redriveTasks } from "../inspector/redrive-tasks.ts";
import { removeQueue } from "../inspector/remove-queue.ts";
import { rescheduleTasks } from "../inspector/reschedule-tasks.ts";
import { runTasks } from "../inspector/run-tasks.ts";
import type { EnqueueOptions, NewTask } from "../options.ts";
import { type Place, type Transition, transitions } from "../task-state.ts";
import type { ManualClock } from "../testing/manual-clock.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import type { AggregationSet } from "./aggregation-check.ts";
import { deleteAggregated } from "./delete-aggregated.ts";
import { deleteExpired } from "./delete-expired.ts";
import { type DequeuedTask, dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { forwardDue } from "./forward-due.ts";
import { deleteQuarantined, releaseQuarantined } from "./leave-quarantine.ts";
import { repairKeys } from "./repair-keys.ts";
import { replaceAggregationSet } from "./replace-aggregation-set.ts";
import { setMembersAside } from "./set-members-aside.ts";
import { settle, settledTo, type TaskOutcome } from "./settle.ts";

interface World {
  readonly broker: Broker;
  readonly clock: ManualClock;
  readonly redis: {
    hset(key: string, ...words: string[]): Promise<unknown>;
    set(key: string, value: string): Promise<unknown>;
    del(...keys: string[]): Promise<unknown>;
    zadd(key: string, score: number, member: string): Promise<unknown>;
  };
  readonly aTask: (options?: EnqueueOptions) => NewTask;
  readonly makeSet: () => Promise<AggregationSet>;
}

/** Brings task `a` to where the transition begins, then makes it happen. */
type Scenario = (world: World, then: (act: () => Promise<unknown>) => Promise<void>) => Promise<void>;

const queue = "default";
const put =
  (options: EnqueueOptions = {}) =>
  ({ broker, aTask }: World) =>
    enqueue(broker, [aTask({ taskId: "a", ...options })]);

async function taken({ broker }: World): Promise<DequeuedTask> {
  return (await dequeue(broker, [queue], 1)).tasks[0]!;
}

/** The outcome of task `a` that brings it to a state. */
function outcome({ id, token, msg: stored }: DequeuedTask, to: Place, nowSec: number): TaskOutcome {
  const msg = patchTaskMessage(stored, { errorMsg: "x" });
  const held = { queue, id, fence: { token } };
  switch (to) {
    case "completed":
      return { ...held, to: "completed", msg, expireAtSec: nowSec + 60 };
    case "retry":
      return { ...held, to: "retry", msg, retryAtSec: nowSec + 10, isFailure: true };
    case "archived":
      return { ...held, to: "archived", msg };
    case "pending":
      return { ...held, to: "requeued" };
    case "scheduled":
      return { ...held, to: "handed-back", msg, dueAtSec: nowSec + 10, handedBack: 1 };
    case "js:quarantine":
      return { ...held, to: "quarantined", why: "x" };
    default:
      return { ...held, to: "done" };
  }
}

/** Enqueues task `a` and settles it so that it is in this state. */
async function brought(world: World, to: Place, options: EnqueueOptions = {}): Promise<void> {
  await put(options)(world);
  await settle(world.broker, [outcome(await taken(world), to, unixSec(world.clock.nowMs()))]);
}

const enqueued =
  (options: EnqueueOptions): Scenario =>
  (world, then) =>
    then(() => put(options)(world));

/** A due task of a set, which may have come out of a group whose key may be broken. */
const forwarded =
  (from: "scheduled" | "retry", group?: "sound" | "broken"): Scenario =>
  async (world, then) => {
    if (from === "scheduled") await put({ processInSec: 10 })(world);
    else await brought(world, "retry");
    if (group !== undefined) await world.redis.hset("asynq:{default}:t:a", "group", "g");
    if (group === "broken") await world.redis.set("asynq:{default}:g:g", "x");
    await world.clock.advance(11_000);
    await then(() => forwardDue(world.broker, [{ queue, from }]));
  };

const settled =
  (to: Place): Scenario =>
  async (world, then) => {
    await put()(world);
    const task = await taken(world);
    await then(() => settle(world.broker, [outcome(task, to, unixSec(world.clock.nowMs()))]));
  };

const orphaned =
  (state: Place, container: string, options: EnqueueOptions = {}): Scenario =>
  async (world, then) => {
    if (state === "scheduled" || state === "aggregating") await put(options)(world);
    else await brought(world, state);
    await world.redis.del(`asynq:{default}:${container}`);
    // It would go back to its group.
    if (state === "aggregating") await world.redis.set(`asynq:{default}:${container}`, "no group");
    await then(() => repairKeys(world.broker, queue, [{ rest: "t:a", ripe: true }]));
  };

/** A task that waits, or is over, is moved by hand. */
const moved =
  (from: Place, act: (broker: Broker, queue: string, ids: readonly string[]) => Promise<unknown>): Scenario =>
  async (world, then) => {
    if (from === "retry" || from === "archived" || from === "completed" || from === "js:quarantine") await brought(world, from);
    else await put(from === "aggregating" ? { group: "g" } : from === "scheduled" ? { processInSec: 60 } : {})(world);
    await then(() => act(world.broker, queue, ["a"]));
  };

const reschedule = (broker: Broker, of: string, ids: readonly string[]) =>
  rescheduleTasks(broker, of, ids, new Date(broker.clock.nowMs() + 60_000));

const days = 24 * 3600_000;
const digest = (world: World): NewTask => world.aTask({ taskId: "digest" });

const scenarios: Readonly<Record<string, Scenario>> = {
  "enqueue: none -> pending": enqueued({}),
  "enqueue: none -> scheduled": enqueued({ processInSec: 60 }),
  "enqueue: none -> aggregating": enqueued({ group: "g" }),

  "forwardDue: scheduled -> pending": forwarded("scheduled"),
  "forwardDue: retry -> pending": forwarded("retry"),
  "forwardDue: scheduled -> aggregating": forwarded("scheduled", "sound"),
  "forwardDue: retry -> aggregating": forwarded("retry", "sound"),
  "forwardDue: scheduled -> js:quarantine": forwarded("scheduled", "broken"),
  "forwardDue: retry -> js:quarantine": forwarded("retry", "broken"),

  "dequeue: pending -> active": async (world, then) => {
    await put()(world);
    await then(() => taken(world));
  },
  "dequeue: pending -> scheduled": async (world, then) => {
    await put()(world);
    await world.redis.hset("asynq:{default}:t:a", "js:recovered", "1@0");
    await then(() => dequeue(world.broker, [queue], 1, { suspect: false }));
  },

  ...Object.fromEntries([...new Set(Object.values(settledTo))].map((to): [string, Scenario] => [`settle: active -> ${to}`, settled(to)])),
  "settle: archived -> none": async (world, then) => {
    await brought(world, "archived");
    await world.clock.advance(91 * days);
    await enqueue(world.broker, [world.aTask({ taskId: "b" })]);
    const task = await taken(world);
    await then(() => settle(world.broker, [outcome(task, "archived", unixSec(world.clock.nowMs()))]));
  },

  "replaceAggregationSet: aggregating -> none": async (world, then) => {
    await put({ group: "g" })(world);
    await world.clock.advance(61_000);
    const set = await world.makeSet();
    await then(() => replaceAggregationSet(world.broker, set, digest(world)));
  },
  "deleteAggregated: aggregating -> none": async (world, then) => {
    await put({ group: "g" })(world);
    await world.clock.advance(61_000);
    const { group, setId } = await world.makeSet();
    const key = `asynq:{default}:g:${group}:${setId}`;
    // What a replaced set is between two of its deletions.
    await world.redis.del("asynq:{default}:aggregation_sets");
    await world.redis.zadd("asynq:{default}:js:aggregated", 1, key);
    await then(() => deleteAggregated(world.broker, [queue]));
  },
  "setMembersAside: aggregating -> js:quarantine": async (world, then) => {
    await put({ group: "g" })(world);
    await world.clock.advance(61_000);
    const set = await world.makeSet();
    await then(() => setMembersAside(world.broker, set, [{ id: "a", why: "x" }]));
  },

  "deleteExpired: completed -> none": async (world, then) => {
    await brought(world, "completed");
    await world.clock.advance(61_000);
    await then(() => deleteExpired(world.broker, [queue]));
  },
  "deleteExpired: archived -> none": async (world, then) => {
    await brought(world, "archived");
    await world.clock.advance(91 * days);
    await then(() => deleteExpired(world.broker, [queue]));
  },

  "releaseQuarantined: js:quarantine -> pending": async (world, then) => {
    await brought(world, "js:quarantine");
    await then(() => releaseQuarantined(world.broker, queue, ["a"]));
  },
  "releaseQuarantined: js:quarantine -> aggregating": async (world, then) => {
    await put({ group: "g" })(world);
    await world.clock.advance(61_000);
    await setMembersAside(world.broker, await world.makeSet(), [{ id: "a", why: "x" }]);
    await then(() => releaseQuarantined(world.broker, queue, ["a"]));
  },
  "deleteQuarantined: js:quarantine -> none": async (world, then) => {
    await brought(world, "js:quarantine");
    await then(() => deleteQuarantined(world.broker, queue, ["a"]));
  },

  ...Object.fromEntries(
    (["scheduled", "retry", "archived", "completed", "aggregating"] as const).map((from) => [
      `runTasks: ${from} -> pending`,
      moved(from, runTasks),
    ]),
  ),
  ...Object.fromEntries(
    (["pending", "scheduled", "retry", "completed", "aggregating"] as const).map((from) => [
      `archiveTasks: ${from} -> archived`,
      moved(from, archiveTasks),
    ]),
  ),
  "redriveTasks: archived -> pending": moved("archived", redriveTasks),
  "redriveTasks: retry -> pending": moved("retry", redriveTasks),
  "rescheduleTasks: pending -> scheduled": moved("pending", reschedule),
  "rescheduleTasks: aggregating -> scheduled": moved("aggregating", reschedule),
  "archiveTasks: archived -> none": async (world, then) => {
    await brought(world, "archived");
    await world.clock.advance(91 * days);
    await enqueue(world.broker, [world.aTask({ taskId: "b" })]);
    await then(() => archiveTasks(world.broker, queue, ["b"]));
  },
  ...Object.fromEntries(
    (["pending", "scheduled", "retry", "archived", "completed", "aggregating"] as const).map((from) => [
      `deleteTasks: ${from} -> none`,
      moved(from, deleteTasks),
    ]),
  ),
  ...Object.fromEntries(
    (["pending", "scheduled", "retry", "archived", "completed", "aggregating", "js:quarantine"] as const).map((from) => [
      `removeQueue: ${from} -> none`,
      moved(from, (broker, of) => removeQueue(broker, of, { force: true })),
    ]),
  ),

  "repairKeys: scheduled -> pending": orphaned("scheduled", "scheduled", { processInSec: 60 }),
  "repairKeys: retry -> pending": orphaned("retry", "retry"),
  "repairKeys: aggregating -> pending": orphaned("aggregating", "g:g", { group: "g" }),
  "repairKeys: archived -> none": orphaned("archived", "archived"),
  "repairKeys: completed -> none": orphaned("completed", "completed"),
};

describe("the table of transitions", () => {
  for (const { from, to, by } of transitions as readonly Transition[]) {
    const name = `${by}: ${from} -> ${to}`;
    aggregationTest(name, async ({ broker, clock, redis, aTask, makeSet }) => {
      const place = async (): Promise<string> => (await redis.hget("asynq:{default}:t:a", "state")) ?? "none";

      await scenarios[name]!({ broker, clock, redis, aTask, makeSet }, async (act) => {
        expect(await place()).toBe(from);
        await act();
        expect(await place()).toBe(to);
      });
      expect.assertions(2);
    });
  }

  aggregationTest("has a scenario for each, and each once", () => {
    const names = (transitions as readonly Transition[]).map(({ from, to, by }) => `${by}: ${from} -> ${to}`);
    expect([...new Set(names)]).toEqual(names);
    expect(Object.keys(scenarios).sort()).toEqual([...names].sort());
  });
});
