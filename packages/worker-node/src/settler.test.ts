import { RedisError, type RedisPort } from "@asynqjs/core";
import { faultyRedis } from "@asynqjs/core/testing";
import { describe, expect, startSec, test, until } from "../../../test/support/server-test.ts";

/** A call that settles counts, whether it fetches or not. */
const isSettle = ([first]: readonly (readonly unknown[])[]): boolean => first!.some((word) => String(word).endsWith(":processed"));

describe("settler", () => {
  test("writes what ended in one turn with one call", async ({ makeServer, seed, port }) => {
    await seed(...Array.from({ length: 50 }, (_, i) => ({ taskId: String(i) })));
    const faulty = faultyRedis(port);
    const server = makeServer({ concurrency: 100 }, faulty);

    await server.start(() => {});
    await until(() => server.metrics().done === 50);

    // A Redis that does not know the script yet gets it by text, as the same call.
    expect(faulty.sent.filter((commands) => isSettle(commands) && commands[0]![0] === "EVALSHA")).toHaveLength(1);
  });

  test("says of an outcome that came too late that it was refused, and writes nothing", async ({
    makeServer,
    seed,
    redis,
    keyspace,
    log,
  }) => {
    await seed({ taskId: "a" });
    const server = makeServer();

    await server.start(async () => {
      await redis.zadd("asynq:{default}:lease", startSec + 30, "a");
    });
    await until(() => server.metrics().leaseLost === 1);

    expect(await keyspace()).toMatchObject({ "asynq:{default}:active": ["a"], "asynq:{default}:t:a": { state: "active" } });
    expect(server.metrics()).toMatchObject({ done: 0, busy: 0 });
    expect(log.join("\n")).toContain("outcome refused");
  });

  test("counts an outcome whose hash is gone", async ({ makeServer, seed, redis, keyspace }) => {
    await seed({ taskId: "a" });
    const server = makeServer();

    await server.start(async () => {
      await redis.del("asynq:{default}:t:a");
      throw new Error("no");
    });
    await until(() => server.metrics().dangling === 1);

    expect(Object.keys(await keyspace())).toEqual(["asynq:queues"]);
  });

  test("does not repeat what Redis refuses: logged, counted, the lease left to end", async ({ makeServer, seed, redis, pass, log }) => {
    await seed({ taskId: "a" });
    await redis.set("asynq:{default}:retry", "not a set");
    const server = makeServer();

    await server.start(() => Promise.reject(new Error("no")));
    await until(() => server.metrics().unsettled === 1);

    expect(server.metrics()).toMatchObject({ settleErrors: 1, busy: 0, retried: 0 });
    expect(log.filter((line) => line.startsWith("error outcome not written"))).toHaveLength(1);
    await pass(20_000);
    expect(Math.floor(Number(await redis.zscore("asynq:{default}:lease", "a")))).toBe(startSec + 30);
  });

  test("a container of the wrong kind holds up only what goes into it", async ({ makeServer, seed, redis }) => {
    await seed({ taskId: "bad" }, { taskId: "good" });
    await redis.set("asynq:{default}:retry", "not a set");
    const server = makeServer();

    await server.start(({ id }) => {
      if (id === "bad") throw new Error("no");
    });
    await until(() => server.metrics().busy === 0 && server.metrics().started === 2);

    expect(server.metrics()).toMatchObject({ done: 1, unsettled: 1 });
  });

  test("one queue that is not answered holds up no other", async ({ makeServer, seed, port }) => {
    await seed({ taskId: "a", queue: "stuck" }, { taskId: "b", queue: "fine" });
    let answer = (): void => {};
    const stuck: RedisPort = {
      ...port,
      async send(commands, options) {
        if (isSettle(commands) && String(commands[0]![4]).includes("{stuck}")) {
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
        }
        return port.send(commands, options);
      },
    };
    const server = makeServer({ queues: { stuck: 1, fine: 1 } }, stuck);

    await server.start(() => {});
    await until(() => server.metrics().done === 1);
    expect(server.metrics()).toMatchObject({ unsettledNow: 1, busy: 1 });

    answer();
    await until(() => server.metrics().done === 2);
  });

  test("gives the port until the lease's end, and at most 30 s", async ({ makeServer, seed, port, clock }) => {
    await seed({ taskId: "a" });
    const timeoutsMs: (number | undefined)[] = [];
    const watched: RedisPort = {
      ...port,
      send(commands, options) {
        if (isSettle(commands)) timeoutsMs.push(options?.timeoutMs);
        return port.send(commands, options);
      },
    };
    const server = makeServer({}, watched);
    let end = (): void => {};
    await server.start(
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    );
    await until(() => server.metrics().started === 1);
    await clock.advance(4_000);

    end();
    await until(() => server.metrics().done === 1);

    expect(timeoutsMs).toEqual([26_000]);
  });

  test("a call that was never answered frees the slot and says that the task is taken back later", async ({
    makeServer,
    seed,
    port,
    log,
  }) => {
    await seed({ taskId: "a" });
    const dead: RedisPort = {
      ...port,
      send: (commands, options) =>
        isSettle(commands)
          ? Promise.reject(new RedisError("redis did not answer", { delivered: "unknown" }))
          : port.send(commands, options),
    };
    const server = makeServer({}, dead);

    await server.start(() => {});
    await until(() => server.metrics().unsettled === 1);

    expect(server.metrics()).toMatchObject({ busy: 0, unsettledNow: 0 });
    expect(log.join("\n")).toContain("taken back when its lease has ended");
  });

  test("cuts a call at 1 MiB of messages", async ({ makeServer, seed, port }) => {
    const payload = "x".repeat(400_000);
    await seed(...Array.from({ length: 5 }, (_, i) => ({ taskId: String(i), payload, retentionSec: 60 })));
    const faulty = faultyRedis(port);
    const server = makeServer({}, faulty);

    await server.start(() => {});
    await until(() => server.metrics().completed === 5);

    expect(faulty.sent.filter(isSettle).length).toBe(3);
  });
});
