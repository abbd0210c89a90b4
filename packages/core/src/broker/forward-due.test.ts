import { describe } from "vitest";
import { expect, startNs, startSec, test } from "../../../../test/support/broker-test.ts";
import { forwardDue } from "./forward-due.ts";

const scheduled = "asynq:{default}:scheduled";
const from = { queue: "default", from: "scheduled" } as const;
const none = { forwarded: 0, dangling: 0, quarantined: 0, more: false };

describe("forwardDue", () => {
  test("takes a hundred at most, the longest due first, and says whether there may be more", async ({ broker, redis }) => {
    for (const [due, forwarded, more] of [
      [99, 99, false],
      [100, 100, true],
      [101, 100, true],
    ] as const) {
      await redis.flushdb();
      const seed = "for i = 1, ARGV[1] do redis.call('ZADD', KEYS[1], i, i) redis.call('HSET', KEYS[2] .. i, 'msg', 'm') end";
      await redis.eval(seed, 2, scheduled, "asynq:{default}:t:", due);

      expect((await forwardDue(broker, [from]))[0]!.value).toEqual({ ...none, forwarded, more });

      expect(await redis.lrange("asynq:{default}:pending", 0, 0)).toEqual([String(forwarded)]);
      expect(await redis.zrange(scheduled, "0", "-1")).toEqual(due === 101 ? ["101"] : []);
    }
  });

  test("drops ids whose hash is gone, is no hash or has no message, and counts them", async ({ broker, redis, keyspace }) => {
    await redis.zadd(scheduled, 1, "gone", 2, "text", 3, "stub", 4, "a");
    await redis.set("asynq:{default}:t:text", "no hash");
    await redis.hset("asynq:{default}:t:stub", "state", "scheduled");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled");

    expect((await forwardDue(broker, [from]))[0]!.value).toEqual({ ...none, forwarded: 1, dangling: 3 });

    expect(await keyspace()).toEqual({
      "asynq:{default}:pending": ["a"],
      "asynq:{default}:t:a": { msg: "m", state: "pending", pending_since: startNs },
      "asynq:{default}:t:stub": { state: "scheduled" },
      "asynq:{default}:t:text": "no hash",
    });
  });

  test("puts a task back into its group, and sets one aside that cannot go there, with why", async ({ broker, redis, keyspace }) => {
    await redis.zadd(scheduled, 1, "a", 2, "b");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled", "group", "good");
    await redis.hset("asynq:{default}:t:b", "msg", "m", "state", "scheduled", "group", "bad");
    await redis.zadd("asynq:{default}:g:good", 5, "other");
    await redis.set("asynq:{default}:g:bad", "in the way");

    expect((await forwardDue(broker, [from]))[0]!.value).toEqual({ ...none, forwarded: 1, quarantined: 1 });

    expect(await keyspace()).toEqual({
      "asynq:{default}:g:good": { other: "5", a: String(startSec) },
      "asynq:{default}:g:bad": "in the way",
      "asynq:{default}:groups": ["good"],
      "asynq:{default}:js:quarantine": { b: String(startSec) },
      "asynq:{default}:t:a": { msg: "m", state: "aggregating", group: "good" },
      "asynq:{default}:t:b": {
        msg: "m",
        state: "js:quarantine",
        group: "bad",
        "js:from": "scheduled",
        "js:why": "the key of its group holds the wrong kind of value",
      },
    });
  });

  test("answers zeros, and writes nothing, where nothing is due", async ({ broker, redis }) => {
    await redis.zadd(scheduled, startSec + 1, "later");

    expect(await forwardDue(broker, [from, { queue: "none", from: "retry" }])).toEqual([
      { value: { ...none, nextSec: startSec + 1 } },
      { value: none },
    ]);

    expect(await redis.keys("*")).toEqual([scheduled]);
  });
});
