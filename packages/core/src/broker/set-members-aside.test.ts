import { describe } from "vitest";
import { expect, keyOf, sets, startSec, test } from "../../../../test/support/aggregation-test.ts";
import { enqueue } from "./enqueue.ts";
import { setMembersAside } from "./set-members-aside.ts";

describe("setMembersAside", () => {
  test("quarantines what cannot be read, drops what is not there, and leaves the rest", async ({
    broker,
    aTask,
    makeSet,
    redis,
    keyspace,
  }) => {
    await enqueue(
      broker,
      ["gone", "bad", "good", "text", "stub", "moved"].map((taskId) => aTask({ taskId, group: "g" })),
    );
    const set = await makeSet();
    await redis.del("asynq:{default}:t:gone", "asynq:{default}:t:text");
    await redis.set("asynq:{default}:t:text", "no hash");
    await redis.hdel("asynq:{default}:t:stub", "msg");
    await redis.hset("asynq:{default}:t:moved", "state", "pending");
    const unfit = [{ id: "gone" }, ...["bad", "text", "stub", "moved", "never there"].map((id) => ({ id, why: "no sense" }))];

    expect(await setMembersAside(broker, set, unfit)).toEqual({ quarantined: 1, dangling: 4 });

    expect(await keyspace()).toMatchObject({
      [sets]: { [keyOf(set)]: expect.any(String) },
      [keyOf(set)]: { good: String(startSec) },
      "asynq:{default}:js:quarantine": { bad: String(startSec) },
      "asynq:{default}:t:bad": { state: "js:quarantine", "js:from": "aggregating", "js:why": "no sense", group: "g" },
    });
    expect(await redis.exists("asynq:{default}:t:gone", "asynq:{default}:t:never there")).toBe(0);
    expect(await redis.hget("asynq:{default}:t:moved", "state")).toBe("pending");
  });

  test("unregisters a set of which nothing is left, and touches none that is not ours any more", async ({
    broker,
    aTask,
    makeSet,
    redis,
  }) => {
    await enqueue(broker, [aTask({ taskId: "a", group: "g" })]);
    const set = await makeSet();

    await redis.zadd(sets, 0, keyOf(set));
    expect(await setMembersAside(broker, set, [{ id: "a" }])).toEqual({ quarantined: 0, dangling: 0 });
    await redis.zadd(sets, startSec, keyOf(set));
    expect(await setMembersAside(broker, set, [{ id: "a" }])).toEqual({ quarantined: 0, dangling: 1 });

    expect(await redis.exists(sets)).toBe(0);
  });
});
