import { RedisError } from "@asynqjs/core";
import { describe, expect, gate, startSec, test, until } from "../../../test/support/server-test.ts";

describe("shutdown", () => {
  test("waits for a handler that ends in time and writes its outcome", async ({ makeServer, seed, clock, keyspace }) => {
    await seed({ taskId: "a" });
    const server = makeServer();
    const handler = gate();
    await server.start(() => handler.opened);
    await until(() => server.metrics().started === 1);

    const closing = server.shutdown();
    await clock.advance(6_999);
    handler.open();
    await closing;

    expect(server.metrics()).toMatchObject({ done: 1, requeued: 0 });
    expect(Object.keys(await keyspace())).toEqual(["asynq:queues", "asynq:{default}:processed", "asynq:{default}:processed:2040-01-02"]);
  });

  test("requeues after 8 s what still runs, at the head of the line and nothing charged; the handler's late end writes nothing", async ({
    makeServer,
    seed,
    clock,
    keyspace,
    message,
    pass,
    quiet,
  }) => {
    await seed({ taskId: "a" });
    const server = makeServer();
    const handler = gate();
    let signal: AbortSignal | undefined;
    await server.start((task) => {
      signal = task.signal;
      return handler.opened;
    });
    await until(() => server.metrics().started === 1);
    await seed({ taskId: "b" });

    const closing = server.shutdown();
    await clock.advance(6_999);
    expect(signal!.aborted).toBe(false);
    await clock.advance(1);
    expect(signal!.reason).toMatchObject({ code: "SERVER_STATE", message: "asynq: Server closed" });
    await pass(999);
    expect((await keyspace())["asynq:{default}:active"]).toEqual(["a"]);
    await clock.advance(1);
    await closing;

    const after = await keyspace();
    expect(after).toMatchObject({
      "asynq:{default}:pending": ["b", "a"],
      "asynq:{default}:t:a": { state: "pending", pending_since: `${startSec + 8}000000000` },
    });
    expect(after["asynq:{default}:lease"]).toBeUndefined();
    expect(await message("a")).toMatchObject({ retried: 0, errorMsg: undefined });

    handler.open();
    await quiet();
    expect(await keyspace()).toEqual(after);
  });

  test("a handler that gives up at the signal is requeued at once, one that succeeds is done", async ({
    makeServer,
    seed,
    clock,
    keyspace,
  }) => {
    await seed({ taskId: "gives-up" }, { taskId: "succeeds" });
    const server = makeServer();
    await server.start(
      ({ id, signal }) =>
        new Promise<void>((resolve, reject) => {
          signal.addEventListener("abort", () => (id === "succeeds" ? resolve() : reject(signal.reason)));
        }),
    );
    await until(() => server.metrics().started === 2);

    const closing = server.shutdown();
    await clock.advance(7_000);
    await closing;

    expect((await keyspace())["asynq:{default}:pending"]).toEqual(["gives-up"]);
    expect(server.metrics()).toMatchObject({ requeued: 1, done: 1, retried: 0 });
  });

  test("keeps extending leases while it waits", async ({ makeServer, seed, pass, redis }) => {
    await seed({ taskId: "a" });
    const server = makeServer({ shutdownTimeoutMs: 60_000 });
    const handler = gate();
    await server.start(() => handler.opened);
    await until(() => server.metrics().started === 1);

    const closing = server.shutdown();
    await pass(50_000);

    expect(Math.floor(Number(await redis.zscore("asynq:{default}:lease", "a")))).toBeGreaterThanOrEqual(startSec + 70);
    handler.open();
    await closing;
  });

  test("waits no longer than its time for a fetch that Redis does not answer", async ({ makeServer, port, clock, quiet }) => {
    let fetches = 0;
    const server = makeServer(
      {},
      {
        ...port,
        send: (_, options) =>
          new Promise((_, reject) => {
            fetches++;
            options!.signal!.addEventListener("abort", () => reject(new RedisError("given up", { delivered: "unknown" })));
          }),
      },
    );
    await server.start(() => {});
    await until(() => fetches > 0);

    let closed = false;
    const closing = server.shutdown().then(() => {
      closed = true;
    });
    await clock.advance(7_999);
    await quiet();
    expect(closed).toBe(false);

    await clock.advance(1);
    await closing;
  });

  test("leaves a client that is yours open, and no timer behind", async ({ makeServer, redis, clock, quiet }) => {
    const server = makeServer({ delayedTaskCheckIntervalMs: 5_000, recoverIntervalMs: 60_000 });
    await server.start(() => {});
    await quiet();

    await server.shutdown();

    expect(await redis.ping()).toBe("PONG");
    expect(clock.waiting).toBe(0);
  });
});
