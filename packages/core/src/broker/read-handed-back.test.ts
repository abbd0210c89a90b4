import { describe } from "vitest";
import { expect, test } from "../../../../test/support/broker-test.ts";
import { RedisError } from "../errors.ts";
import { readHandedBack } from "./read-handed-back.ts";

const a = { queue: "default", id: "a" };

describe("readHandedBack", () => {
  test("answers the count beside the message, and 0 where there is none to be read", async ({ broker, seedPending, redis }) => {
    expect(await readHandedBack(broker, a)).toBe(0);

    await seedPending("a");
    expect(await readHandedBack(broker, a)).toBe(0);
    await redis.hset("asynq:{default}:t:a", "js:handed_back", "7");
    expect(await readHandedBack(broker, a)).toBe(7);
    await redis.hset("asynq:{default}:t:a", "js:handed_back", "many");
    expect(await readHandedBack(broker, a)).toBe(0);

    await redis.del("asynq:{default}:t:a");
    await redis.set("asynq:{default}:t:a", "not a hash");
    expect(await readHandedBack(broker, a)).toBe(0);
  });

  test("throws when Redis did not answer: nobody may think then that it was never handed back", async ({ broker, port }) => {
    await broker.redis.features();
    port.dropReply();

    await expect(readHandedBack(broker, a)).rejects.toMatchObject({ code: "REDIS" });

    const loading = new RedisError("LOADING", { delivered: "no", reply: "LOADING" });
    const redis = { ...port, send: async () => [{ error: loading }] };
    await expect(readHandedBack({ ...broker, redis }, a)).rejects.toBe(loading);
  });
});
