import { describe } from "vitest";
import { expect, startNs, startSec, test } from "../../../../test/support/broker-test.ts";
import { enqueue } from "../broker/enqueue.ts";
import type { Broker } from "../broker.ts";
import { type CronEntry, type CronEntryOptions, checkCronEntry } from "./cron-entry.ts";
import { claimSlots, type SlotClaim } from "./fire-due.ts";
import { makeCronTask } from "./make-cron-task.ts";

const anEntry = (given: Partial<CronEntryOptions> = {}): CronEntry => ({
  ...checkCronEntry({ id: "report", spec: "@every 60s", type: "report:send", queue: "q", ...given }),
  version: "v",
  sinceSec: 0,
  epoch: 2,
  from: [],
  removed: false,
});
const claimKey = "asynq:{q}:js:cron:report";
const open = { slot: "60", epoch: "2" };

/** Claims slots of an entry, each naming the one before; the first one names `from`. */
async function claim(broker: Broker, entry: CronEntry, from: string, ...slots: number[]) {
  const claims = slots.map((slot, i): SlotClaim => {
    const named = i === 0 ? from : String(slots[i - 1]);
    return { at: 0, entry, from: named, slot: String(slot), overlap: entry.overlap, task: makeCronTask(entry, slot, broker) };
  });
  const results = await claimSlots(broker, claims, { nowMs: broker.clock.nowMs() });
  return results.map(({ verdict, error }) => verdict ?? error);
}

describe("claiming slots", () => {
  test("decides a slot and enqueues its task in one step", async ({ broker, redis, keyspace }) => {
    await redis.hset(claimKey, open);

    expect(await claim(broker, anEntry(), "60", 120)).toEqual(["enqueued"]);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["q"],
      [claimKey]: { slot: "120", epoch: "2", ran: "report:120", ranAt: String(startSec) },
      "asynq:{q}:pending": ["report:120"],
      "asynq:{q}:t:report:120": { msg: expect.any(String), state: "pending", pending_since: startNs },
    });
  });

  test("once, whoever comes with it again: also when its task is done and gone", async ({ broker, other, redis, keyspace }) => {
    await redis.hset(claimKey, open);
    await claim(broker, anEntry(), "60", 120);
    await redis.del("asynq:{q}:pending", "asynq:{q}:t:report:120");
    const before = await keyspace();

    expect(await claim(other, anEntry(), "60", 120)).toEqual(["claimed"]);
    expect(await claim(other, anEntry(), "60", 120, 180)).toEqual(["claimed", "enqueued"]);
    await redis.del("asynq:{q}:pending", "asynq:{q}:t:report:180");
    expect(await keyspace()).toEqual({ ...before, [claimKey]: { ...(before[claimKey] as object), slot: "180", ran: "report:180" } });
  });

  test("of several slots of an entry one after the other", async ({ broker, redis }) => {
    await redis.hset(claimKey, open);

    expect(await claim(broker, anEntry(), "60", 120, 180, 240)).toEqual(["enqueued", "enqueued", "enqueued"]);
    expect(await redis.lrange("asynq:{q}:pending", 0, -1)).toEqual(["report:240", "report:180", "report:120"]);
    expect(await claim(broker, anEntry(), "60", 120, 300)).toEqual(["claimed", "claimed"]);
  });

  test.for([
    ["sealed", "is sealed", { ...open, sealed: "1" }],
    ["sealed", "goes by a later edit", { ...open, epoch: "3" }],
    ["sealed", "goes by an earlier one", { ...open, epoch: "1" }],
    ["claimed", "is further", { ...open, slot: "120" }],
    ["claimed", "is not as far", { ...open, slot: "59" }],
  ] as const)("answers %s where the claim %s, and writes nothing", async ([verdict, , hash], { broker, redis, keyspace }) => {
    await redis.hset(claimKey, hash);

    expect(await claim(broker, anEntry(), "60", 120)).toEqual([verdict]);

    expect(await keyspace()).toEqual({ "asynq:queues": ["q"], [claimKey]: hash });
  });

  test("makes a claim that was lost anew, from now on, once, and nothing else of it", async ({ broker, other, keyspace }) => {
    expect(await claim(broker, anEntry(), "60", 120)).toEqual(["missing"]);
    const lost: SlotClaim = { at: 0, entry: anEntry(), from: "", slot: "", overlap: "allow" };
    const recreate = async (by: Broker) => (await claimSlots(by, [lost], { nowMs: by.clock.nowMs() }))[0]!.verdict;

    expect([await recreate(broker), await recreate(other)]).toEqual(["recreated", "claimed"]);
    expect(await keyspace()).toEqual({ "asynq:queues": ["q"], [claimKey]: { slot: String(startSec), epoch: "2" } });
  });

  test.for([
    ["pending", "overlapping"],
    ["active", "overlapping"],
    ["scheduled", "overlapping"],
    ["retry", "overlapping"],
    ["aggregating", "overlapping"],
    ["archived", "enqueued"],
    ["completed", "enqueued"],
    ["js:quarantine", "enqueued"],
    [undefined, "enqueued"],
  ] as const)(
    "with the task before it %s, an entry that must not overlap has its slot %s and decided",
    async ([state, verdict], { broker, redis }) => {
      const alone = anEntry({ overlap: "skip" });
      await redis.hset(claimKey, { ...open, ran: "report:60", ranAt: "60" });
      if (state !== undefined) await redis.hset("asynq:{q}:t:report:60", "msg", "m", "state", state);

      expect(await claim(broker, alone, "60", 120)).toEqual([verdict]);
      expect(await redis.hget(claimKey, "slot")).toBe("120");
      expect(await redis.hget(claimKey, "ran")).toBe(verdict === "enqueued" ? "report:120" : "report:60");
      // That one is pending now, or the first one still is.
      expect(await claim(broker, alone, "120", 180)).toEqual(["overlapping"]);
      expect(await claim(broker, anEntry(), "180", 240)).toEqual(["enqueued"]);
    },
  );

  test("decides a slot whose task is in the queue already, or shut out by another one's lock", async ({ broker, aTask, redis }) => {
    await redis.hset(claimKey, open);
    const unique = anEntry({ payload: "p", options: { uniqueTtlSec: 60 } });
    await enqueue(broker, [
      aTask({ queue: "q", taskId: "report:120" }),
      aTask({ queue: "q", type: "report:send", payload: "p", uniqueTtlSec: 60 }),
    ]);

    expect(await claim(broker, anEntry(), "60", 120)).toEqual(["task-id-conflict"]);
    expect(await claim(broker, unique, "120", 180)).toEqual(["duplicate-task"]);
    expect(await redis.hgetall(claimKey)).toEqual({ ...open, slot: "180" });
  });

  test("enqueues into a group, and for later, as an enqueue does", async ({ broker, redis, keyspace }) => {
    await redis.hset(claimKey, open);
    await claim(broker, anEntry({ options: { group: "g" } }), "60", 120);
    await claim(broker, anEntry({ options: { processInSec: startSec } }), "120", 180);

    const space = await keyspace();
    expect(space["asynq:{q}:groups"]).toEqual(["g"]);
    expect(space["asynq:{q}:g:g"]).toEqual({ "report:120": String(startSec) });
    expect(space["asynq:{q}:scheduled"]).toEqual({ "report:180": String(startSec + 180) });
  });

  test("moves nothing where a container it may fill is of the wrong kind; a claim or a group that is holds up its entry alone", async ({
    broker,
    redis,
    keyspace,
  }) => {
    await redis.hset(claimKey, open);
    await redis.set("asynq:{q}:js:cron:broken", "text");
    for (const [key, entry] of [
      ["asynq:{q}:pending", anEntry()],
      ["asynq:{q}:scheduled", anEntry()],
      ["asynq:{q}:groups", anEntry({ options: { group: "g" } })],
    ] as const) {
      await redis.set(key, "text");
      const before = await keyspace();
      expect(await claim(broker, entry, "60", 120)).toEqual([expect.objectContaining({ reply: "WRONGTYPE" })]);
      expect(await keyspace()).toEqual({ ...before, "asynq:queues": ["q"] });
      await redis.del(key);
    }

    await redis.set("asynq:{q}:g:g", "text");
    await redis.hset("asynq:{q}:js:cron:grouped", open);
    const entries = [anEntry({ id: "broken" }), anEntry({ id: "grouped", options: { group: "g" } }), anEntry()];
    const claims = entries.map((entry): SlotClaim => {
      return { at: 0, entry, from: "60", slot: "120", overlap: "allow", task: makeCronTask(entry, 120, broker) };
    });
    const results = await claimSlots(broker, claims, { nowMs: broker.clock.nowMs() });
    expect(results.map(({ verdict }) => verdict)).toEqual(["wrong-kind", "wrong-kind", "enqueued"]);
    expect(await redis.hgetall("asynq:{q}:js:cron:grouped")).toEqual(open);
  });
});
