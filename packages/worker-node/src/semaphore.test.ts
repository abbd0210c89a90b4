import { InvalidOptionError } from "@asynqjs/core";
import { describe, expect, gate, startSec, test, until } from "../../../test/support/server-test.ts";
import { Semaphore } from "./semaphore.ts";

class Busy extends Error {}

describe("a semaphore of a handler", () => {
  test("lets two of three tasks work at once; the third is tried again with no retry charged", async ({
    makeServer,
    seed,
    port,
    clock,
    redis,
    message,
  }) => {
    const semaphore = new Semaphore(port, "mailer", 2, { clock });
    const work = gate();
    let working = 0;
    const server = makeServer({ isFailure: (error) => !(error instanceof Busy), retryDelayFunc: () => 5_000 });
    await seed({ taskId: "a" }, { taskId: "b" }, { taskId: "c" });
    await server.start(async (task) => {
      if (!(await semaphore.acquire(task))) throw new Busy();
      try {
        working++;
        await work.opened;
      } finally {
        await semaphore.release(task);
      }
    });

    await until(async () => (await redis.zcard("asynq:{default}:retry")) === 1 && working === 2);
    // At the latest until the deadline: the default timeout is 1800 s.
    const tokens = await redis.zrange("asynq:sema:mailer", "0", "-1", "WITHSCORES");
    expect(tokens.filter((_, i) => i % 2 === 1)).toEqual([String(startSec + 1800), String(startSec + 1800)]);
    expect(await message((await redis.zrange("asynq:{default}:retry", "0", "0"))[0]!)).toMatchObject({ retried: 0 });

    work.open();
    await until(() => server.metrics().done === 2);
    expect(await redis.exists("asynq:sema:mailer")).toBe(0);
  });

  test("keeps the token of a task whose handler did not give it back, until the task's deadline", async ({ port, clock, redis }) => {
    const semaphore = new Semaphore(port, "mailer", 1, { clock });
    const { signal } = new AbortController();
    const lost = { id: "lost", deadline: new Date(clock.nowMs() + 10_000), signal };
    const next = { id: "next", deadline: new Date(clock.nowMs() + 60_000), signal };
    expect([await semaphore.acquire(lost), await semaphore.acquire(next)]).toEqual([true, false]);

    await clock.advance(11_000);

    expect(await semaphore.acquire(next)).toBe(true);
    expect(await semaphore.release(lost)).toBe(false);
    expect(await redis.zrange("asynq:sema:mailer", "0", "-1")).toEqual(["next"]);
  });

  test("refuses what Asynq's would panic about, before any I/O", () => {
    const url = "redis://127.0.0.1:1";
    expect(() => new Semaphore(url, "", 1)).toThrow(InvalidOptionError);
    expect(() => new Semaphore(url, "a{b}", 1)).toThrow(/invalid scope/);
    expect(() => new Semaphore(url, "s", 0)).toThrow(/invalid maxTokens/);
    expect(() => new Semaphore(url, "s", 1.5)).toThrow(/invalid maxTokens/);
  });

  test("closes the connection it made, and no other", async ({ port, redisUrl, redis }) => {
    const task = { id: "a", deadline: new Date(Date.UTC(2050, 0)), signal: new AbortController().signal };
    const own = new Semaphore(redisUrl, "mailer", 1);
    expect(await own.acquire(task)).toBe(true);
    await own.close();
    await own.close();
    await expect(own.release(task)).rejects.toMatchObject({ code: "REDIS", delivered: "no" });

    await new Semaphore(port, "mailer", 1).close();
    expect(await port.send([["PING"]])).toMatchObject([{ reply: expect.anything() }]);
    expect(await redis.ping()).toBe("PONG");
  });
});
