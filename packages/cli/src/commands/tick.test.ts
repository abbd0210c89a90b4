import { manualClock } from "@asynqjs/core/testing";
import { describe, expect, test } from "../../test/cli-test.ts";

describe("tick", () => {
  test("runs what is due once, and prints what it did as JSON", async ({ cli, redis }) => {
    await redis.sadd("asynq:queues", "mail", "other");
    for (const queue of ["mail", "other"]) {
      await redis.hset(`asynq:{${queue}}:t:a`, "msg", "m", "state", "scheduled");
      await redis.zadd(`asynq:{${queue}}:scheduled`, 1, "a");
    }

    const { code, out, err } = await cli("tick", "forward", "-q", "mail");

    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({ forward: { forwarded: 1 }, failed: [] });
    expect(await redis.lrange("asynq:{mail}:pending", 0, -1)).toEqual(["a"]);
    expect(JSON.parse((await cli("tick")).out)).toMatchObject({
      forward: { forwarded: 1 },
      recover: {},
      janitor: {},
      repair: {},
      schedule: {},
    });
  });

  test("keeps what it is told to keep", async ({ cli, redis }) => {
    await redis.sadd("asynq:queues", "mail");
    for (const id of ["a", "b"]) {
      await redis.hset(`asynq:{mail}:t:${id}`, "msg", "m", "state", "archived");
      await redis.zadd("asynq:{mail}:archived", Math.floor(Date.now() / 1000), id);
    }
    expect(JSON.parse((await cli("tick", "janitor", "--archive_max_size=2")).out)).toMatchObject({ janitor: { trimmed: 1 } });
    expect(await redis.zcard("asynq:{mail}:archived")).toBe(1);
  });

  test("says which tick failed in which queue, and ends with exit code 1", async ({ cli, redis }) => {
    await redis.sadd("asynq:queues", "mail");
    await redis.set("asynq:{mail}:pending", "in the way");
    await redis.hset("asynq:{mail}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{mail}:scheduled", 1, "a");

    const { code, err } = await cli("tick", "forward");

    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^asynqjs: forward of queue "mail" failed: .*\n$/) });
  });

  test("--every runs what is due again, until it is told to stop, and ends with 0", async ({ cliWith, redis }) => {
    await redis.sadd("asynq:queues", "mail");
    const clock = manualClock(Date.now());
    const stopping = new AbortController();
    const running = cliWith({ clock, signal: stopping.signal }, "tick", "forward", "--every=30s");
    await expect.poll(() => clock.nextInMs === 30_000).toBe(true);
    await redis.hset("asynq:{mail}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{mail}:scheduled", 1, "a");
    await clock.advance(30_000);
    await expect.poll(() => redis.llen("asynq:{mail}:pending")).toBe(1);
    await expect.poll(() => clock.nextInMs === 30_000).toBe(true);
    stopping.abort();

    const { code, out, err } = await running;

    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).forward.forwarded),
    ).toEqual([0, 1]);
  });

  test.for([["--every=0s"], ["--every=-1s"], ["--every=500us"], ["--budget=-1s"]])("refuses %s", async ([flag], { cli, redis }) => {
    expect(await cli("tick", flag!)).toMatchObject({ code: 2, out: "", err: expect.stringMatching(/^asynqjs: .*Expected at least .*\n$/) });
    expect(await redis.keys("*")).toEqual([]);
  });

  test("refuses a tick that there is not", async ({ cli }) => {
    expect(await cli("tick", "sweep")).toMatchObject({ code: 2, out: "", err: expect.stringContaining("'sweep' is invalid") });
  });
});
