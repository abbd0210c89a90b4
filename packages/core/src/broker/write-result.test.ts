import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { LeaseLostError } from "../errors.ts";
import { writeResult } from "./write-result.ts";

describe("writeResult", () => {
  test("stores any bytes beside the message, and a later result replaces it", async ({ broker, seedActive, redis, keyspace }) => {
    const task = await seedActive("a");
    const before = await keyspace();

    expect(await writeResult(broker, task, new TextEncoder().encode("first"))).toBe(5);
    expect(await writeResult(broker, task, new Uint8Array([0, 128, 255]))).toBe(3);

    expect(await redis.hgetBuffer("asynq:{default}:t:a", "result")).toEqual(Buffer.from([0, 128, 255]));
    expect(await keyspace()).toEqual({
      ...before,
      "asynq:{default}:t:a": { ...(before["asynq:{default}:t:a"] as object), result: "\0\u0080\u00ff" },
    });
  });

  test("writes nothing for who does not hold the lease: another token, a Go owner, nobody", async ({
    broker,
    seedActive,
    redis,
    keyspace,
  }) => {
    const task = await seedActive("a");
    const before = await keyspace();
    const result = new TextEncoder().encode("x");

    await expect(writeResult(broker, { ...task, token: task.token + 1 }, result)).rejects.toThrow(new LeaseLostError("default", "a"));
    expect(await keyspace()).toEqual(before);

    await redis.zadd("asynq:{default}:lease", startSec + 30, "a");
    await expect(writeResult(broker, task, result)).rejects.toThrow(LeaseLostError);

    await redis.zrem("asynq:{default}:lease", "a");
    await redis.del("asynq:{default}:t:a");
    await expect(writeResult(broker, task, result)).rejects.toThrow(LeaseLostError);
    expect(await redis.exists("asynq:{default}:t:a")).toBe(0);
  });

  test("makes no ghost of a task whose hash is gone though its lease is there", async ({ broker, seedActive, redis }) => {
    const task = await seedActive("a");
    await redis.del("asynq:{default}:t:a");

    await expect(writeResult(broker, task, new Uint8Array(1))).rejects.toThrow(LeaseLostError);

    expect(await redis.exists("asynq:{default}:t:a")).toBe(0);
  });

  test("a write whose answer was lost is repeated as the same call", async ({ broker, port, seedActive, redis }) => {
    const task = await seedActive("a");
    port.dropReply();

    await expect(writeResult(broker, task, new TextEncoder().encode("x"))).rejects.toMatchObject({ delivered: "unknown" });
    const [replayed] = await port.send(port.sent.at(-1)!);

    expect(new TextDecoder().decode(replayed!.reply as Uint8Array)).toBe("w");
    expect(await redis.hget("asynq:{default}:t:a", "result")).toBe("x");
  });
});
