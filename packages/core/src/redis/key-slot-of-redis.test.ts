import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { keySlot } from "./key-slot.ts";

const slotOf = (key: string): number => keySlot(Buffer.from(key));

test("a key's slot is what Redis' own CLUSTER KEYSLOT says", async () => {
  const server = await startRedis({ args: ["--cluster-enabled", "yes"], databases: 1 });
  const redis = new Redis(server.port);
  const braces = ["{a}b", "foo{{bar}}zap", "foo{bar}{zap}", "foo{}{bar}", "foo{bar", "foo}bar{", "}{", "{}", "{{}}"];
  for (const key of ["", "123456789", "asynq:servers", "asynq:{é世}:lease", "x".repeat(300), ...braces])
    expect([key, slotOf(key)]).toEqual([key, await redis.cluster("KEYSLOT", key)]);
  redis.disconnect();
  await server.stop();
});
