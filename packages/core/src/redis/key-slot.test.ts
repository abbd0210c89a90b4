import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { commandSlot, keySlot } from "./key-slot.ts";

const slotOf = (key: string): number => keySlot(Buffer.from(key));

describe("keySlot", () => {
  test("is what Redis' own CLUSTER KEYSLOT says", async () => {
    const server = await startRedis({ args: ["--cluster-enabled", "yes"], databases: 1 });
    const redis = new Redis(server.port);
    const braces = ["{a}b", "foo{{bar}}zap", "foo{bar}{zap}", "foo{}{bar}", "foo{bar", "foo}bar{", "}{", "{}", "{{}}"];
    for (const key of ["", "123456789", "asynq:servers", "asynq:{é世}:lease", "x".repeat(300), ...braces])
      expect([key, slotOf(key)]).toEqual([key, await redis.cluster("KEYSLOT", key)]);
    redis.disconnect();
    await server.stop();
  });
});

describe("commandSlot", () => {
  test("finds the first key of a command and of a script, in text and in bytes", () => {
    expect(commandSlot(["ZADD", "{q}k", "1", "m"])).toBe(slotOf("q"));
    expect(commandSlot(["ZADD", Buffer.from("{q}k"), "1", "m"])).toBe(slotOf("q"));
    expect(commandSlot(["EVALSHA", "sha", "2", "{q}a", "{q}b", "x"])).toBe(slotOf("q"));
  });

  test("says that a command without a key has none", () => {
    for (const command of [["TIME"], ["PING"], ["INFO", "server"], ["EVAL", "return 1", "0", "x"]])
      expect(commandSlot(command)).toBeUndefined();
  });
});
