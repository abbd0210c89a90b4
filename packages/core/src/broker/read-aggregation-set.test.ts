import { describe } from "vitest";
import { expect, test } from "../../../../test/support/aggregation-test.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { enqueue } from "./enqueue.ts";
import { readAggregationSet } from "./read-aggregation-set.ts";

describe("readAggregationSet", () => {
  test("reads the oldest first, and of what is no task of the set the id alone", async ({ broker, aTask, makeSet, redis }) => {
    await enqueue(
      broker,
      ["gone", "moved", "other", "stub", "text", "there", "unnamed"].map((taskId) => aTask({ taskId, group: "g", payload: taskId })),
    );
    const set = await makeSet();
    for (const id of ["gone", "moved", "other", "text"]) await redis.del(`asynq:{default}:t:${id}`);
    await redis.set("asynq:{default}:t:text", "no hash");
    await redis.hdel("asynq:{default}:t:stub", "msg");
    await redis.hdel("asynq:{default}:t:unnamed", "group");
    // Their hashes were lost, so that their ids were free for other tasks.
    await enqueue(broker, [aTask({ taskId: "other", payload: "new" }), aTask({ taskId: "moved", payload: "new", group: "another" })]);

    const { members, more } = await readAggregationSet(broker, set);

    expect(more).toBe(false);
    expect(members.map(({ id, msg }) => [id, msg && decodeTaskMessage(msg, id).payload])).toEqual([
      ["gone", undefined],
      ["moved", undefined],
      ["other", undefined],
      ["stub", undefined],
      ["text", undefined],
      ["there", new TextEncoder().encode("there")],
      ["unnamed", new TextEncoder().encode("unnamed")],
    ]);
  });

  test.for([
    [[1024 * 1024, 1], 1],
    [[1024 * 1024 - 1, 1, 1], 2],
    [[1024 * 1024 + 1, 1], 1],
  ] as const)("of messages of %j bytes it reads %i: none once 1 MiB is full", async ([sizes, read], { broker, redis }) => {
    for (const [i, size] of sizes.entries()) {
      await redis.zadd("asynq:{default}:g:g:s", i, `t${i}`);
      await redis.hset(`asynq:{default}:t:t${i}`, "msg", Buffer.alloc(size), "state", "aggregating");
    }

    const { members, more } = await readAggregationSet(broker, { queue: "default", group: "g", setId: "s" });

    expect([members.map(({ msg }) => msg!.length), more]).toEqual([sizes.slice(0, read), true]);
  });

  test("counts no message of a task that is elsewhere", async ({ broker, redis }) => {
    await redis.zadd("asynq:{default}:g:g:s", 1, "moved", 2, "a");
    await redis.hset("asynq:{default}:t:moved", "msg", Buffer.alloc(1024 * 1024), "state", "pending");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "aggregating");

    const { members, more } = await readAggregationSet(broker, { queue: "default", group: "g", setId: "s" });

    expect(members.map(({ id, msg }) => [id, msg?.length])).toEqual([
      ["moved", undefined],
      ["a", 1],
    ]);
    expect(more).toBe(false);
  });

  test("stops at 1,000 tasks or at 1 MiB, and goes on from there", async ({ broker, aTask, makeSet, redis }) => {
    const payload = new Uint8Array(400_000);
    await enqueue(
      broker,
      Array.from({ length: 4 }, (_, i) => aTask({ taskId: `t${i}`, group: "g", payload })),
    );
    const large = await makeSet();
    expect(await readAggregationSet(broker, large)).toMatchObject({ members: [{ id: "t0" }, { id: "t1" }, { id: "t2" }], more: true });
    expect(await readAggregationSet(broker, large, 3)).toMatchObject({ members: [{ id: "t3" }], more: false });

    const seed = "for i = 1, 1001 do redis.call('ZADD', KEYS[1], i, i) end";
    await redis.eval(seed, 1, "asynq:{default}:g:g");
    const long = await makeSet();
    const first = await readAggregationSet(broker, long);
    expect([first.members.length, first.more]).toEqual([1_000, true]);
    expect(await readAggregationSet(broker, long, 1_000)).toEqual({ members: [{ id: "1001", msg: undefined }], more: false });
  });
});
