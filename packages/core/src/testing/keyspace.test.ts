import { expect, test } from "../../../../test/support/redis-test.ts";
import { ioredisPort } from "../redis/ioredis.ts";
import { readKeyspace } from "./keyspace.ts";

test("a keyspace is read whole, also under keys that are not ASCII, one character a byte", async ({ redis }) => {
  const port = ioredisPort(redis);
  expect(await readKeyspace(port)).toEqual({});

  await redis.set("ß", "ü");
  await redis.zadd("z", 1.5, "m");
  await redis.set("asynq:{q}:js:call:c:1", "1:e");

  const found = { z: { m: "1.5" }, "\u00c3\u009f": "\u00c3\u00bc" };
  expect(await readKeyspace(port)).toEqual(found);
  expect(await readKeyspace(port, { calls: true })).toEqual({ ...found, "asynq:{q}:js:call:c:1": "1:e" });
});
