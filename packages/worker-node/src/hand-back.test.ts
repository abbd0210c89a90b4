import { forward, RedisError, type RedisPort } from "@asynqjs/core";
import { seededRandom } from "@asynqjs/core/testing";
import { describe, expect, startSec, test, until } from "../../../test/support/server-test.ts";
import { ServeMux } from "./serve-mux.ts";

/** Knows `email:` and nothing else. */
const emails = () => new ServeMux().handle("email:", () => {});
const words = () => new ServeMux().handle("word:", () => {});

describe("a task of a type that the mux does not know", () => {
  test("fails, as in Asynq, unless the server is to hand it back", async ({ makeServer, seed, message, redis }) => {
    await seed({ taskId: "a", type: "word:count" });
    const server = makeServer();

    await server.start(emails());
    await until(() => server.metrics().retried === 1);

    expect(await message("a")).toMatchObject({ retried: 1, errorMsg: 'handler not found for task "word:count"' });
    expect(await redis.hexists("asynq:{default}:t:a", "js:handed_back")).toBe(0);
  });

  test("is put off, nothing charged, and is done by a server that knows it", async ({
    makeServer,
    seed,
    keyspace,
    message,
    broker,
    clock,
    log,
  }) => {
    await seed({ taskId: "a", type: "word:count", retentionSec: 60 });
    const told: unknown[] = [];
    const stranger = makeServer({ handBackUnknown: true, errorHandler: (_, error) => void told.push(error) });

    await stranger.start(emails());
    await until(() => stranger.metrics().handedBack === 1);

    expect(await keyspace()).toEqual({
      "asynq:queues": ["default"],
      "asynq:{default}:scheduled": { a: String(startSec + 1) },
      "asynq:{default}:t:a": { msg: expect.any(String), state: "scheduled", "js:handed_back": "1" },
    });
    expect(await message("a")).toMatchObject({
      retried: 0,
      lastFailedAtSec: undefined,
      errorMsg: 'handler not found for task "word:count"',
    });
    expect(stranger.metrics()).toMatchObject({ retried: 0, failed: 0, archived: 0 });
    expect(told).toEqual([]);
    expect(log).toContain('warn no handler for the task\'s type: handed back {"queue":"default","id":"a","handedBack":1}');

    stranger.stop();
    await clock.advance(1_000);
    await forward(broker, { queues: ["default"] });
    const server = makeServer({ handBackUnknown: true, random: seededRandom(4) });
    await server.start(words());
    await until(() => server.metrics().completed === 1);

    expect((await keyspace())["asynq:{default}:t:a"]).toEqual({ msg: expect.any(String), state: "completed" });
  });

  test("waits longer each time, and fails the eleventh time in a row, its count starting again", async ({
    makeServer,
    seed,
    message,
    redis,
  }) => {
    await seed({ taskId: "fourth", type: "word:count" }, { taskId: "eleventh", type: "word:count" });
    await redis.hset("asynq:{default}:t:fourth", "js:handed_back", "3");
    await redis.hset("asynq:{default}:t:eleventh", "js:handed_back", "10");
    const server = makeServer({ handBackUnknown: true });

    await server.start(emails());
    await until(() => server.metrics().handedBack === 1 && server.metrics().retried === 1);

    expect(await redis.zscore("asynq:{default}:scheduled", "fourth")).toBe(String(startSec + 8));
    expect(await redis.hget("asynq:{default}:t:fourth", "js:handed_back")).toBe("4");
    expect(await message("eleventh")).toMatchObject({ retried: 1, errorMsg: 'handler not found for task "word:count"' });
    expect(await redis.hexists("asynq:{default}:t:eleventh", "js:handed_back")).toBe(0);
    expect(server.metrics().failed).toBe(1);
  });

  test("hands back what a handler of that type says it does not know, and nothing else", async ({ makeServer, seed, redis }) => {
    await seed({ taskId: "a", type: "email:a" }, { taskId: "b", type: "email:b" });
    const server = makeServer({ handBackUnknown: true });
    const inner = new ServeMux().handle("email:b", () => Promise.reject(new Error("smtp is down")));

    await server.start(new ServeMux().handle("email:", inner));
    await until(() => server.metrics().handedBack === 1 && server.metrics().retried === 1);

    expect(await redis.zrange("asynq:{default}:scheduled", "0", "-1")).toEqual(["a"]);
    expect(await redis.zrange("asynq:{default}:retry", "0", "-1")).toEqual(["b"]);
  });

  test("is neither failed nor set aside when Redis does not say how often it was handed back: its lease runs out", async ({
    makeServer,
    seed,
    port,
    keyspace,
  }) => {
    await seed({ taskId: "a", type: "word:count" });
    const deaf: RedisPort = {
      ...port,
      send: (commands, options) =>
        commands[0]![0] === "HGET" ? Promise.reject(new RedisError("gone", { delivered: "unknown" })) : port.send(commands, options),
    };
    const server = makeServer({ handBackUnknown: true }, deaf);

    await server.start(emails());
    await until(() => server.metrics().unsettled === 1);

    expect(await keyspace()).toMatchObject({ "asynq:{default}:active": ["a"], "asynq:{default}:t:a": { state: "active" } });
  });
});
