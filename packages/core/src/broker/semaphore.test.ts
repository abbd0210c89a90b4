import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import type { Broker } from "../broker.ts";
import { acquireToken, releaseToken } from "./semaphore.ts";

const scope = "mailer";
const acquire = (broker: Broker, taskId: string, forSec = 60): Promise<boolean> =>
  acquireToken(broker, { scope, taskId, maxTokens: 2, untilMs: broker.clock.nowMs() + forSec * 1000 });

describe("a semaphore", () => {
  test("gives as many tokens as it has, where Asynq keeps them, and one again when one came back", async ({ broker, keyspace }) => {
    expect([await acquire(broker, "a"), await acquire(broker, "b", 90), await acquire(broker, "c")]).toEqual([true, true, false]);
    expect(await keyspace()).toEqual({ "asynq:sema:mailer": { a: String(startSec + 60), b: String(startSec + 90) } });

    expect(await releaseToken(broker, { scope, taskId: "a" })).toBe(true);

    expect(await acquire(broker, "c")).toBe(true);
    expect(Object.keys((await keyspace())["asynq:sema:mailer"]!)).toEqual(["c", "b"]);
  });

  test("lets a task that holds a token keep it, with its new end, though the semaphore is full", async ({ broker, redis }) => {
    await acquire(broker, "a");
    await acquire(broker, "b");

    expect(await acquire(broker, "a", 120)).toBe(true);

    expect(await redis.zrange("asynq:sema:mailer", "0", "-1", "WITHSCORES")).toEqual([
      "b",
      String(startSec + 60),
      "a",
      String(startSec + 120),
    ]);
  });

  test("takes a token back in the second after its holder's time", async ({ broker, clock }) => {
    await acquire(broker, "a", 10);
    await acquire(broker, "b", 60);

    await clock.advance(10_000);
    expect(await acquire(broker, "c")).toBe(false);
    await clock.advance(1_000);
    expect(await acquire(broker, "c")).toBe(true);
    expect(await releaseToken(broker, { scope, taskId: "a" })).toBe(false);
  });

  test("counts a Go holder's token like any other", async ({ broker, redis }) => {
    await redis.zadd("asynq:sema:mailer", startSec + 30, "of-go-1", startSec + 30, "of-go-2");

    expect(await acquire(broker, "a")).toBe(false);
  });

  test("answers a repeated call as the first, also when the token is somebody else's by then", async ({ broker, other, port, redis }) => {
    await redis.zadd("asynq:sema:mailer", startSec + 30, "of-go");
    await acquire(broker, "a");
    const taken = port.sent.at(-1)!;
    await releaseToken(broker, { scope, taskId: "a" });
    await acquire(other, "b");

    await port.send(taken);

    expect((await redis.zrange("asynq:sema:mailer", "0", "-1")).sort()).toEqual(["b", "of-go"]);
  });

  test("moves nothing where its key holds another kind of value", async ({ broker, redis }) => {
    await redis.set("asynq:sema:mailer", "x");

    await expect(acquire(broker, "a")).rejects.toMatchObject({ code: "REDIS", reply: "WRONGTYPE" });
    await expect(releaseToken(broker, { scope, taskId: "a" })).rejects.toMatchObject({ code: "REDIS", reply: "WRONGTYPE" });
  });
});
