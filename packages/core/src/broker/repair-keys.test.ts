import { describe } from "vitest";
import { expect, startNs, startSec, test } from "../../../../test/support/broker-test.ts";
import type { Broker } from "../broker.ts";
import { recover } from "../ticks/recover.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { listKeys } from "./list-keys.ts";
import { repairKeys } from "./repair-keys.ts";

const judge = (broker: Broker, ripe: boolean, ...rests: string[]) =>
  repairKeys(
    broker,
    "default",
    rests.map((rest) => ({ rest, ripe })),
  );

describe("repairKeys", () => {
  test("finds sound what stands where its state says, in every state, and changes nothing", async ({ broker, aTask, keyspace, redis }) => {
    await enqueue(broker, [
      aTask({ taskId: "active" }),
      aTask({ taskId: "pending", uniqueTtlSec: 60 }),
      aTask({ taskId: "scheduled", processInSec: 60 }),
      aTask({ taskId: "aggregating", group: "g" }),
    ]);
    await dequeue(broker, ["default"], 1);
    for (const state of ["retry", "archived", "completed", "js:quarantine"]) {
      await redis.hset(`asynq:{default}:t:${state}`, "msg", "m", "state", state);
      await redis.zadd(`asynq:{default}:${state}`, startSec, state);
    }
    await redis.hset("asynq:{default}:t:in-a-set", "msg", "m", "state", "aggregating", "group", "g");
    const set = "asynq:{default}:g:g:11111111-2222-4333-8444-555555555555";
    await redis.zadd(set, startSec, "in-a-set");
    await redis.zadd("asynq:{default}:aggregation_sets", startSec + 120, set);
    const before = await keyspace();
    const rests = Object.keys(before).flatMap((key) => /^asynq:\{default\}:((?:t|g|unique):.*)$/.exec(key)?.[1] ?? []);
    expect(rests).toHaveLength(12);

    expect(await judge(broker, true, ...rests)).toEqual(rests.map(() => "sound"));

    expect(await keyspace()).toEqual(before);
  });

  test("touches what is unsound for the first time not at all", async ({ broker, redis, keyspace }) => {
    await redis.hset("asynq:{default}:t:lost", "msg", "m", "state", "retry");
    await redis.hset("asynq:{default}:t:ghost", "state", "active");
    await redis.set("asynq:{default}:unique:t:1", "gone", "EX", 60);
    const before = await keyspace();

    expect(await judge(broker, false, "t:lost", "t:ghost", "unique:t:1", "t:none")).toEqual(["unsound", "unsound", "unsound", "sound"]);

    expect(await keyspace()).toEqual(before);
  });

  test("hole A: brings back the task that Go's scripts took out of every list", async ({ broker, seedPending, redis, clock }) => {
    await seedPending("a");
    await dequeue(broker, ["default"], 1);
    // What Go's `done` leaves when the lease was evicted: LREM went through, then it said NOT FOUND.
    await redis.del("asynq:{default}:lease", "asynq:{default}:active");

    expect(await judge(broker, true, "t:a")).toEqual(["reactivated"]);
    expect(await redis.zscore("asynq:{default}:lease", "a")).toBe(String(startSec));

    await clock.advance(31_000);
    expect(await recover(broker, { queues: ["default"] })).toMatchObject({ recovered: 1 });
  });

  test("makes a task pending that was acknowledged and is in no container", async ({ broker, aTask, redis, keyspace }) => {
    await enqueue(broker, [aTask({ taskId: "evicted" }), aTask({ taskId: "retry", processInSec: 60 })]);
    await redis.del("asynq:{default}:pending", "asynq:{default}:scheduled");

    expect(await judge(broker, true, "t:evicted", "t:retry")).toEqual(["requeued", "requeued"]);

    expect(await keyspace()).toMatchObject({
      "asynq:{default}:pending": ["retry", "evicted"],
      "asynq:{default}:t:retry": { state: "pending", pending_since: startNs },
    });
  });

  test("puts a task of a group that is in none back into it, and names the group", async ({ broker, aTask, redis, keyspace }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "g" })]);
    const before = await keyspace();
    await redis.del("asynq:{default}:g:g", "asynq:{default}:groups");

    expect(await judge(broker, true, "t:a")).toEqual(["regrouped"]);

    expect(await keyspace()).toEqual(before);
  });

  test("hole K: in a long list looks only for tasks that have waited longer than the next in turn, as those of a lost list have", async ({
    broker,
    seedPending,
    redis,
    clock,
  }) => {
    await seedPending("lost", "lost-too");
    await redis.del("asynq:{default}:pending");
    await clock.advance(1_000);
    await seedPending(...Array.from({ length: 1_200 }, (_, i) => `t${i}`));
    await redis.lrem("asynq:{default}:pending", 0, "t600");
    await redis.hdel("asynq:{default}:t:t601", "pending_since");

    expect(await judge(broker, true, "t:t0", "t:lost", "t:t600", "t:t601", "t:lost-too")).toEqual([
      "sound",
      "requeued",
      "sound",
      "sound",
      "requeued",
    ]);

    expect(await redis.lrange("asynq:{default}:pending", "0", "1")).toEqual(["lost-too", "lost"]);
  });

  test("removes hashes of no task, and of those that Go's inspector trimmed; gives locks of nobody back", async ({
    broker,
    aTask,
    redis,
    keyspace,
  }) => {
    await enqueue(broker, [aTask({ taskId: "owner", uniqueTtlSec: 60 })]);
    const before = await keyspace();
    await redis.hset("asynq:{default}:t:ghost", "state", "active", "result", "late");
    await redis.hset("asynq:{default}:t:trimmed", "msg", "m", "state", "archived");
    await redis.set("asynq:{default}:unique:t:gone", "gone", "EX", 60);
    // What Go's refused unique task leaves: a lock that names a task which has another one.
    await redis.set("asynq:{default}:unique:t:other", "owner", "EX", 60);

    expect(await judge(broker, true, "t:ghost", "t:trimmed", "unique:t:gone", "unique:t:other")).toEqual([
      "removed",
      "removed",
      "unlocked",
      "unlocked",
    ]);

    expect(await keyspace()).toEqual(before);
  });

  test("hole C: gives back a lock that names a task without one, and leaves that of a Go task in a group, which only its message names", async ({
    broker,
    aTask,
    redis,
  }) => {
    await enqueue(broker, [aTask({ taskId: "plain" }), aTask({ taskId: "grouped", group: "g", uniqueTtlSec: 60, payload: "p" })]);
    const lock = (await redis.hget("asynq:{default}:t:grouped", "unique_key"))!.slice("asynq:{default}:".length);
    await redis.hdel("asynq:{default}:t:grouped", "unique_key");
    await redis.set("asynq:{default}:unique:t:other", "plain", "EX", 60);

    expect(await judge(broker, true, "unique:t:other", lock)).toEqual(["unlocked", "sound"]);
  });

  test("names a group to the aggregators, and a set to whoever gives it back, at once; not one that is being deleted", async ({
    broker,
    redis,
  }) => {
    const uuid = "11111111-2222-4333-8444-555555555555";
    await redis.zadd("asynq:{default}:g:red", startSec, "a");
    await redis.zadd(`asynq:{default}:g:red:${uuid}`, startSec, "b");
    await redis.zadd(`asynq:{default}:g:blue:${uuid}`, startSec, "c");
    await redis.zadd("asynq:{default}:js:aggregated", startSec, `asynq:{default}:g:blue:${uuid}`);

    expect(await judge(broker, false, "g:red", `g:red:${uuid}`, `g:blue:${uuid}`)).toEqual(["indexed", "indexed", "sound"]);

    expect(await redis.smembers("asynq:{default}:groups")).toEqual(["red"]);
    expect(await redis.zrange("asynq:{default}:aggregation_sets", "0", "-1", "WITHSCORES")).toEqual([
      `asynq:{default}:g:red:${uuid}`,
      String(startSec),
    ]);
    expect(await judge(broker, false, "g:red", `g:red:${uuid}`)).toEqual(["sound", "sound"]);
  });

  test("takes no group for a set because Go named it like one, so that its tasks stay in it", async ({
    broker,
    redis,
    clock,
    keyspace,
  }) => {
    const [listed, unlisted] = ["user:11111111-2222-4333-8444-555555555555", "user:66666666-7777-4888-9999-000000000000"];
    for (const [id, group] of [
      ["a", listed],
      ["b", unlisted],
    ] as const) {
      await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "aggregating", "group", group);
      await redis.zadd(`asynq:{default}:g:${group}`, startSec, id);
    }
    await redis.sadd("asynq:{default}:groups", listed);

    expect(await judge(broker, true, `g:${listed}`, `g:${unlisted}`)).toEqual(["sound", "indexed"]);

    expect((await redis.smembers("asynq:{default}:groups")).sort()).toEqual([listed, unlisted]);
    await clock.advance(300_000);
    await recover(broker, { queues: ["default"] });
    const keys = await keyspace();
    expect(keys["asynq:{default}:aggregation_sets"]).toBeUndefined();
    expect(keys["asynq:{default}:g:user"]).toBeUndefined();
  });
});

describe("repairKeys, of what was in a container once", () => {
  test.for([
    ["a hash without a message, though it is in a container", { state: "pending" }, "removed"],
    ["a completed task that is trimmed", { msg: "m", state: "completed" }, "removed"],
    ["a task without a state", { msg: "m" }, "requeued"],
    ["a task of no known group", { msg: "m", state: "aggregating" }, "requeued"],
    ["a task whose group has no name", { msg: "m", state: "aggregating", group: "" }, "requeued"],
    ["a task that left its group before", { msg: "m", state: "retry", group: "g" }, "requeued"],
    ["a task whose group's key is of the wrong kind", { msg: "m", state: "aggregating", group: "broken" }, "requeued"],
    ["a task of a group that has others", { msg: "m", state: "aggregating", group: "g" }, "regrouped"],
    ["a task that would be in a container of the wrong kind", { msg: "m", state: "archivd" }, "requeued"],
  ] as const)("%s", async ([, fields, verdict], { broker, redis }) => {
    await redis.hset("asynq:{default}:t:a", fields);
    if (verdict === "removed" && fields.state === "pending") await redis.lpush("asynq:{default}:pending", "a");
    await redis.zadd("asynq:{default}:g:g", 1, "other");
    await redis.set("asynq:{default}:g:broken", "in the way");
    await redis.set("asynq:{default}:archivd", "in the way");

    expect(await judge(broker, true, "t:a")).toEqual([verdict]);

    expect(await redis.exists("asynq:{default}:t:a")).toBe(verdict === "removed" ? 0 : 1);
    if (verdict === "requeued") expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
    expect(await redis.zrange("asynq:{default}:g:g", "0", "-1")).toEqual(verdict === "regrouped" ? ["other", "a"] : ["other"]);
  });

  test("an active task is put before the others, with a lease that has just ended; it is sound with a lease or a place alone", async ({
    broker,
    redis,
  }) => {
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "active");
    await redis.lpush("asynq:{default}:active", "other");

    expect(await judge(broker, true, "t:a")).toEqual(["reactivated"]);
    expect(await redis.lrange("asynq:{default}:active", 0, -1)).toEqual(["a", "other"]);
    await redis.lpop("asynq:{default}:active");
    expect(await judge(broker, true, "t:a")).toEqual(["sound"]);
    await redis.lpush("asynq:{default}:active", "a");
    await redis.del("asynq:{default}:lease");
    expect(await judge(broker, true, "t:a")).toEqual(["sound"]);
  });

  test("a task of a group is sound in any of the group's sets, registered or aggregated, and in no other group's", async ({
    broker,
    redis,
  }) => {
    const ids = ["registered", "aggregated", "of another group", "in none"];
    for (const id of ids) await redis.hset(`asynq:{default}:t:${id}`, "msg", "m", "state", "aggregating", "group", "g");
    const set = (name: string): string => `asynq:{default}:g:${name}`;
    await redis.zadd("asynq:{default}:aggregation_sets", 1, set("g:1"), 2, set("g:2"), 3, set("g:3"), 4, set("h:1"));
    await redis.zadd("asynq:{default}:js:aggregated", 1, set("g:4"));
    await redis.zadd(set("g:3"), 1, "registered");
    await redis.zadd(set("g:4"), 1, "aggregated");
    await redis.zadd(set("h:1"), 1, "of another group");

    expect(await judge(broker, false, ...ids.map((id) => `t:${id}`))).toEqual(["sound", "sound", "unsound", "unsound"]);
  });

  test("what is no hash is left alone, as is a key of no known kind", async ({ broker, redis, keyspace }) => {
    await redis.set("asynq:{default}:t:text", "no hash");
    await redis.zadd("asynq:{default}:retry", 1, "x");
    const before = await keyspace();

    expect(await judge(broker, true, "t:text", "retry", "js:repair")).toEqual(["sound", "sound", "sound"]);

    expect(await keyspace()).toEqual(before);
  });

  test("in a list of a thousand every task is looked for; in a longer one none whose age is not known, or not that of the next in turn, or no greater", async ({
    broker,
    redis,
  }) => {
    const task = (id: string, since: object) => redis.hset(`asynq:{default}:t:${id}`, { msg: "m", state: "pending", ...since });
    const seed = "for i = 1, ARGV[1] do redis.call('RPUSH', KEYS[1], i) end";
    await redis.eval(seed, 1, "asynq:{default}:pending", 1_000);
    await task("1", { pending_since: "50" });
    await task("2", { pending_since: "40" });
    await task("999", { pending_since: "30" });
    await task("1000", { pending_since: "20" });
    await task("older", { pending_since: "19" });
    await task("as old", { pending_since: "20" });
    await task("younger", { pending_since: "21" });
    await task("ageless", {});
    const rests = ["t:older", "t:as old", "t:younger", "t:ageless"];

    expect(await judge(broker, false, ...rests)).toEqual(rests.map(() => "unsound"));
    await redis.lpush("asynq:{default}:pending", "one more");
    expect(await judge(broker, false, ...rests)).toEqual(["unsound", "sound", "sound", "sound"]);
    await redis.hset("asynq:{default}:t:1000", "pending_since", "long ago");
    expect(await judge(broker, false, "t:older")).toEqual(["sound"]);
    await redis.del("asynq:{default}:t:1000");
    await redis.set("asynq:{default}:t:1000", "no hash");
    expect(await judge(broker, false, "t:older")).toEqual(["sound"]);
  });
});

describe("repairKeys, of locks", () => {
  test("leaves one alone that is no text, and gives one back whose task is no hash", async ({ broker, redis }) => {
    await redis.lpush("asynq:{default}:unique:t:list", "a");
    await redis.set("asynq:{default}:t:text", "no hash");
    await redis.set("asynq:{default}:unique:t:1", "text");

    expect(await judge(broker, true, "unique:t:list", "unique:t:1")).toEqual(["sound", "unlocked"]);

    expect(await redis.exists("asynq:{default}:unique:t:list", "asynq:{default}:t:text")).toBe(2);
  });

  test("reads a lock's name as it stands, in a message as in a field; a field says more than a message", async ({ broker, redis }) => {
    const lock = "asynq:{default}:unique:e-mail:send.now%:1";
    await redis.set(lock, "a");
    await redis.hset("asynq:{default}:t:a", "msg", `.${lock}.`);
    expect(await judge(broker, false, "unique:e-mail:send.now%:1")).toEqual(["sound"]);
    await redis.hset("asynq:{default}:t:a", "msg", lock);
    expect(await judge(broker, false, "unique:e-mail:send.now%:1")).toEqual(["sound"]);
    await redis.hset("asynq:{default}:t:a", "unique_key", "asynq:{default}:unique:another");
    expect(await judge(broker, false, "unique:e-mail:send.now%:1")).toEqual(["unsound"]);
    await redis.hset("asynq:{default}:t:a", "msg", "m", "unique_key", lock);
    expect(await judge(broker, false, "unique:e-mail:send.now%:1")).toEqual(["sound"]);
    await redis.hdel("asynq:{default}:t:a", "msg");
    expect(await judge(broker, false, "unique:e-mail:send.now%:1")).toEqual(["unsound"]);
  });
});

describe("repairKeys, of groups", () => {
  test("names any group whose first task is gone or no hash, but takes what is named as our sets are for one; and no other key", async ({
    broker,
    redis,
  }) => {
    const uuid = "11111111-2222-4333-8444-555555555555";
    const names = ["text", ":1-2-3-4-5", "long".repeat(20), `set:${uuid}`, `listed:${uuid}`];
    for (const name of names) await redis.zadd(`asynq:{default}:g:${name}`, 1, "text");
    await redis.set("asynq:{default}:t:text", "no hash");
    await redis.sadd("asynq:{default}:groups", `listed:${uuid}`);
    await redis.set("asynq:{default}:g:no set", "x");
    const rests = [...names, "no set"].map((name) => `g:${name}`);

    expect(await judge(broker, false, ...rests)).toEqual(["indexed", "indexed", "indexed", "indexed", "sound", "sound"]);

    expect((await redis.smembers("asynq:{default}:groups")).sort()).toEqual([...names.slice(0, 3), names[4]].sort());
    expect(await redis.zrange("asynq:{default}:aggregation_sets", "0", "-1")).toEqual([`asynq:{default}:g:set:${uuid}`]);
  });

  test("asks the first of a group's tasks which group that is", async ({ broker, redis }) => {
    const [first, last] = ["first:11111111-2222-4333-8444-555555555555", "last:11111111-2222-4333-8444-555555555555"];
    for (const name of [first, last]) {
      await redis.zadd(`asynq:{default}:g:${name}`, 1, name === first ? "there" : "gone", 2, name === first ? "gone" : "there");
      await redis.hset("asynq:{default}:t:there", "group", name);
      expect(await judge(broker, false, `g:${name}`)).toEqual(["indexed"]);
    }

    expect(await redis.smembers("asynq:{default}:groups")).toEqual([first]);
    expect(await redis.zrange("asynq:{default}:aggregation_sets", "0", "-1")).toEqual([`asynq:{default}:g:${last}`]);
  });
});

describe("listKeys", () => {
  test("walks through the keys of a queue page by page, whatever its name means in a pattern", async ({ broker, aTask }) => {
    await enqueue(
      broker,
      ["a*b", "axb", "[q]?"].flatMap((queue) => Array.from({ length: 30 }, (_, i) => aTask({ queue, taskId: `${i}` }))),
    );
    for (const queue of ["a*b", "[q]?"]) {
      const found = new Set<string>();
      let cursor = "0";
      do {
        const page = await listKeys(broker, { queue, cursor, count: 10 });
        for (const key of page.keys) found.add(key);
        cursor = page.cursor;
      } while (cursor !== "0");
      expect([...found].filter((key) => !key.includes(":js:"))).toHaveLength(31);
      expect([...found].every((key) => key.startsWith(`asynq:{${queue}}:`))).toBe(true);
    }
  });
});
