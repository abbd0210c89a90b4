import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { listExpiredLeases } from "./list-expired-leases.ts";

const lease = "asynq:{default}:lease";

describe("listExpiredLeases", () => {
  test("lists what ended by the second that is asked for, the longest over first, each with its score as Redis prints it", async ({
    broker,
    redis,
  }) => {
    await redis.zadd(lease, startSec, "go", startSec - 1 + 1 / 2 ** 20, "ours", startSec + 1.5, "lives", "+inf", "never");
    await redis.hset("asynq:{default}:t:ours", "msg", "m", "js:recovered", "1@0");
    await redis.hset("asynq:{default}:t:go", "msg", "n");

    const { leases, more, nextSec } = await listExpiredLeases(broker, "default", startSec);

    expect(leases.map(({ msg, ...rest }) => ({ ...rest, msg: Buffer.from(msg!).toString() }))).toEqual([
      { id: "ours", score: await redis.zscore(lease, "ours"), msg: "m", recovered: "1@0" },
      { id: "go", score: String(startSec), msg: "n", recovered: undefined },
    ]);
    expect([more, nextSec]).toEqual([false, startSec + 2]);

    await redis.zrem(lease, "lives");
    expect(await listExpiredLeases(broker, "default", startSec)).toMatchObject({ nextSec: 99_999_999_999 });
  });

  test("lists an id whose hash is gone, is no hash or has no message, without one", async ({ broker, redis }) => {
    await redis.zadd(lease, 1, "gone", 2, "text", 3, "stub");
    await redis.set("asynq:{default}:t:text", "no hash");
    await redis.hset("asynq:{default}:t:stub", "js:recovered", "2@0");

    expect(await listExpiredLeases(broker, "default", startSec)).toEqual({
      leases: [
        { id: "gone", score: "1", msg: undefined, recovered: undefined },
        { id: "text", score: "2", msg: undefined, recovered: undefined },
        { id: "stub", score: "3", msg: undefined, recovered: "2@0" },
      ],
      more: false,
    });
  });

  test("lists a hundred at a time, and says when there may be more", async ({ broker, redis }) => {
    const seed = "for i = 1, ARGV[1] do redis.call('ZADD', KEYS[1], i, 'task' .. i) end";
    for (const [expired, listed, more] of [
      [99, 99, false],
      [100, 100, true],
      [101, 100, true],
    ] as const) {
      await redis.eval(seed, 1, lease, expired);

      const found = await listExpiredLeases(broker, "default", startSec);

      expect([found.leases.length, found.more]).toEqual([listed, more]);
      expect(found.leases.at(-1)!.id).toBe(`task${listed}`);
    }
  });

  test.for([
    [[1024 * 1024, 1], 1],
    [[1024 * 1024 - 1, 1, 1], 2],
    [[1024 * 1024 + 1, 1], 1],
  ] as const)("of messages of %j bytes it lists %i: none once 1 MiB is full", async ([sizes, listed], { broker, redis }) => {
    for (const [i, size] of sizes.entries()) {
      await redis.zadd(lease, i, `t${i}`);
      await redis.hset(`asynq:{default}:t:t${i}`, "msg", Buffer.alloc(size));
    }

    const found = await listExpiredLeases(broker, "default", startSec);

    expect(found.leases.map(({ msg }) => msg!.length)).toEqual(sizes.slice(0, listed));
    expect(found.more).toBe(true);
  });
});
