import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { correctedClock, dequeue, enqueue } from "@asynqjs/core";
import { manualClock } from "@asynqjs/core/testing";
import { describe } from "vitest";
import { expect, test } from "../../../test/support/broker-test.ts";
import { runTicks } from "./run-ticks.ts";

const bin = fileURLToPath(new URL("bin.ts", import.meta.url));

async function tick(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, NODE_NO_WARNINGS: "1" } });
  const [out, err] = [child.stdout, child.stderr].map(async (stream) => (await stream.toArray()).join(""));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out: await out!, err: await err! };
}

describe("runTicks", () => {
  test("forwards, recovers and deletes what is over in all queues that were ever enqueued to", async ({ broker, aTask, clock, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a", queue: "high" }), aTask({ taskId: "b", queue: "low", processInSec: 5 })]);
    await dequeue(broker, ["high"], 1);
    await redis.zadd("asynq:{low}:completed", 1, "c");
    await redis.hset("asynq:{low}:t:c", "msg", "m", "state", "completed");
    await clock.advance(61_000);

    expect(await runTicks(broker)).toMatchObject({ forward: { forwarded: 1 }, recover: { recovered: 1 }, janitor: { expired: 1 } });

    expect(await redis.hget("asynq:{high}:t:a", "state")).toBe("retry");
    expect(await redis.hget("asynq:{low}:t:b", "state")).toBe("pending");
  });

  test("goes by Redis' clock where the machine's is off, and refuses one that is five minutes off", async ({ broker, aTask, redis }) => {
    const [redisSec] = await redis.time();
    await enqueue(broker, [aTask({ taskId: "a", processAt: new Date((Number(redisSec) - 5) * 1000), queue: "q" })]);
    await redis.lrem("asynq:{q}:pending", 0, "a");
    await redis.zadd("asynq:{q}:scheduled", Number(redisSec) - 5, "a");
    const off = (byMs: number) => ({ ...broker, clock: correctedClock(manualClock(Number(redisSec) * 1000 + byMs)) });

    await expect(runTicks(off(-310_000))).rejects.toMatchObject({ code: "CLOCK_SKEW" });
    expect(await runTicks(off(-60_000), { ticks: ["forward"] })).toMatchObject({ forward: { forwarded: 1 } });
  });

  test("keeps to the ticks and queues it is told", async ({ broker, aTask, clock }) => {
    await enqueue(broker, [aTask({ queue: "high", processInSec: 5 }), aTask({ queue: "low", processInSec: 5 })]);
    await clock.advance(5_000);

    expect(await runTicks(broker, { ticks: ["forward"], queues: ["low"] })).toEqual({ forward: expect.objectContaining({ forwarded: 1 }) });
  });
});

describe("asynqjs-tick", () => {
  test("runs once, prints what it did as JSON, and exits 0", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "default");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{default}:scheduled", 1, "a");

    const { code, out, err } = await tick("--redis", redisUrl);

    expect(JSON.parse(out)).toMatchObject({ forward: { forwarded: 1, more: false }, recover: { recovered: 0 }, janitor: { expired: 0 } });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
  });

  test("keeps what it is told to keep", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "default");
    for (const [at, state] of ["archived", "archived", "completed", "completed"].entries()) {
      await redis.hset(`asynq:{default}:t:${at}`, "msg", "m", "state", state);
      await redis.zadd(`asynq:{default}:${state}`, Math.floor(Date.now() / 1000) + 1_000 + at, String(at));
    }
    const limits = ["--archive-max-age-sec", "100000", "--archive-max-size", "2", "--completed-max-size", "1"];

    const { out } = await tick("janitor", "--redis", redisUrl, ...limits);

    expect(JSON.parse(out)).toMatchObject({ janitor: { trimmed: 1, completedTrimmed: 1 } });
    expect((await redis.keys("asynq:{default}:t:*")).sort()).toEqual(["asynq:{default}:t:1", "asynq:{default}:t:3"]);
    expect(await tick("--archive-max-size", "many")).toMatchObject({ code: 2, err: expect.stringContaining("invalid archiveMaxSize") });
  });

  test("says what is wrong in one line: 2 for bad arguments, 1 for a Redis that is not there", async () => {
    expect(await tick("fly")).toEqual({
      code: 2,
      out: "",
      err: 'asynqjs-tick: unknown tick "fly"; expected one of forward, recover, janitor, repair\n',
    });
    expect(await tick("--redis", "nonsense://secret@h")).toMatchObject({ code: 2, err: expect.not.stringContaining("secret") });
    expect(await tick("--budget-ms", "")).toMatchObject({ code: 2, err: expect.stringContaining("--budget-ms expects") });
    const nobody = await tick("--redis", "redis://:secret@127.0.0.1:1", "--timeout-ms", "200");
    expect(nobody).toMatchObject({ code: 1, out: "", err: expect.stringMatching(/^asynqjs-tick: redis did not answer.*\n$/) });
    expect(nobody.err).not.toContain("secret");
  });
});
