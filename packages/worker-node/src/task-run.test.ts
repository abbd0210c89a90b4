import { type Clock, DeadlineExceededError, RevokeTask, SkipRetry } from "@asynqjs/core";
import { vi } from "vitest";
import { describe, expect, gate, startSec, test, until } from "../../../test/support/server-test.ts";
import type { ProcessingTask } from "./processing-task.ts";

/** Nothing in Redis but what a task that is gone leaves behind. */
const counters = {
  "asynq:queues": ["default"],
  "asynq:{default}:processed": "1",
  "asynq:{default}:processed:2040-01-02": "1",
};

type Reject = (error: unknown) => void;

function throwBoom(): never {
  throw new Error("boom");
}

/** A handler that answers an object with this `then`. */
function thenable(then: PropertyDescriptor): () => object {
  // biome-ignore lint/suspicious/noThenProperty: it is what is tested
  return () => Object.defineProperty({}, "then", then);
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function circularError(): Error {
  const error = new Error("its own cause");
  return Object.assign(error, { cause: new Error("in between", { cause: error }) });
}

describe("a run that succeeds", () => {
  test("leaves nothing but the counters, and gives the unique lock back", async ({ makeServer, seed, keyspace }) => {
    await seed({ taskId: "a", uniqueTtlSec: 600 });
    const server = makeServer();

    await server.start(() => {});
    await until(() => server.metrics().done === 1);

    expect(await keyspace()).toEqual(counters);
  });

  test("keeps a task with retention as completed until its second", async ({ makeServer, seed, keyspace, message }) => {
    await seed({ taskId: "a", retentionSec: 90 });
    const server = makeServer();

    await server.start(async () => {});
    await until(() => server.metrics().completed === 1);

    expect(await keyspace()).toEqual({
      ...counters,
      "asynq:{default}:completed": { a: String(startSec + 90) },
      "asynq:{default}:t:a": { msg: expect.any(String), state: "completed" },
    });
    expect(await message("a")).toMatchObject({ id: "a", completedAtSec: startSec, retried: 0, errorMsg: undefined });
  });

  test("asks the clock as its own method when that was", async ({ makeServer, seed, clock, message }) => {
    await seed({ taskId: "a", retentionSec: 90 });
    class OwnClock implements Clock {
      readonly by = clock;
      nowMs(): number {
        return this.by.nowMs();
      }
      monotonicMs(): number {
        return this.by.monotonicMs();
      }
      after(delayMs: number, then: () => void): () => void {
        return this.by.after(delayMs, then);
      }
    }
    const server = makeServer({ clock: new OwnClock() });

    await server.start(() => {});
    await until(() => server.metrics().completed + server.metrics().quarantined === 1);

    expect(server.metrics().quarantined).toBe(0);
    expect(await message("a")).toMatchObject({ completedAtSec: startSec });
  });

  test("is heard of from the promise itself, whatever stands in the place of its then", async ({ makeServer, seed }) => {
    await seed({ taskId: "a" }, { taskId: "b" });
    const server = makeServer();
    const then = vi.fn(() => {
      throw new Error("not mine to call");
    });

    await server.start(({ id }) => (id === "a" ? Object.assign(Promise.resolve(), { then }) : undefined));
    await until(() => server.metrics().done === 2);

    expect(then).not.toHaveBeenCalled();
  });
});

describe("a run that fails", () => {
  test("goes to retry after Asynq's delay, charged and with its error", async ({ makeServer, seed, keyspace, message }) => {
    await seed({ taskId: "a" });
    const server = makeServer({ random: { float: () => 0.5, bytes: (length) => new Uint8Array(length).fill(1) } });

    await server.start(() => Promise.reject(new Error("smtp is down")));
    await until(() => server.metrics().retried === 1);

    expect(await keyspace()).toEqual({
      ...counters,
      "asynq:{default}:failed": "1",
      "asynq:{default}:failed:2040-01-02": "1",
      "asynq:{default}:retry": { a: String(startSec + 15 + 15) },
      "asynq:{default}:t:a": { msg: expect.any(String), state: "retry" },
    });
    expect(await message("a")).toMatchObject({ retried: 1, errorMsg: "smtp is down", lastFailedAtSec: startSec });
    expect(server.metrics()).toMatchObject({ retried: 1, failed: 1 });
  });

  test("asks retryDelayFunc with the count before this failure, the error and the task", async ({ makeServer, seed, redis }) => {
    const asked: unknown[] = [];
    await seed({ taskId: "a", payload: "p" });
    const server = makeServer({
      retryDelayFunc: (retried, error, task) => {
        asked.push([retried, error, task.id, task.text()]);
        return 90_500;
      },
    });
    const error = new Error("no");

    await server.start(() => {
      throw error;
    });
    await until(() => server.metrics().retried === 1);

    expect(asked).toEqual([[0, error, "a", "p"]]);
    expect(await redis.zscore("asynq:{default}:retry", "a")).toBe(String(startSec + 90));
  });

  test.for([[Number.NaN], [-1], ["soon"], [undefined]])(
    "falls back on Asynq's delay when retryDelayFunc answers %s",
    async ([delay], { makeServer, seed, redis }) => {
      await seed({ taskId: "a" });
      const server = makeServer({ retryDelayFunc: () => delay as number });

      await server.start(() => Promise.reject(new Error("no")));
      await until(() => server.metrics().retried === 1);

      const delaySec = Number(await redis.zscore("asynq:{default}:retry", "a")) - startSec;
      expect(delaySec).toBeGreaterThanOrEqual(15);
      expect(delaySec).toBeLessThanOrEqual(44);
      expect(server.metrics().callbackErrors).toBe(1);
    },
  );

  test("cuts a delay without end to a score that Go can read", async ({ makeServer, seed, redis }) => {
    await seed({ taskId: "a" });
    const server = makeServer({ retryDelayFunc: () => Number.POSITIVE_INFINITY });

    await server.start(() => Promise.reject(new Error("no")));
    await until(() => server.metrics().retried === 1);

    expect(await redis.zscore("asynq:{default}:retry", "a")).toBe(String(startSec + 100 * 365 * 86_400));
  });

  test("is archived when its retries are used up, its count unchanged", async ({ makeServer, seed, keyspace, message }) => {
    await seed({ taskId: "a", maxRetry: 0 });
    const server = makeServer({ isFailure: () => false });

    await server.start(() => Promise.reject(new Error("no")));
    await until(() => server.metrics().archived === 1);

    expect(await keyspace()).toMatchObject({
      "asynq:{default}:archived": { a: String(startSec) },
      "asynq:{default}:t:a": { state: "archived" },
      "asynq:{default}:failed": "1",
    });
    expect(await message("a")).toMatchObject({ retried: 0, errorMsg: "no", lastFailedAtSec: startSec });
  });

  test("is archived at once by SkipRetry, also as a cause deep down", async ({ makeServer, seed, redis, message }) => {
    await seed({ taskId: "a" }, { taskId: "b" });
    const server = makeServer();

    await server.start(({ id }) => {
      if (id === "a") throw new SkipRetry("bad address");
      throw new Error("outer", { cause: new Error("middle", { cause: new SkipRetry() }) });
    });
    await until(() => server.metrics().archived === 2);

    expect(await redis.zrange("asynq:{default}:archived", "0", "-1")).toEqual(["a", "b"]);
    expect(await message("a")).toMatchObject({ errorMsg: "bad address" });
    expect(await message("b")).toMatchObject({ errorMsg: "outer" });
  });

  test("is gone by RevokeTask: no failure, no retention", async ({ makeServer, seed, keyspace }) => {
    await seed({ taskId: "a", retentionSec: 90 });
    const server = makeServer();

    await server.start(() => {
      throw new RevokeTask();
    });
    await until(() => server.metrics().revoked === 1);

    expect(await keyspace()).toEqual(counters);
  });

  test("charges nothing when isFailure says it is none, and is tried again all the same", async ({
    makeServer,
    seed,
    keyspace,
    message,
  }) => {
    await seed({ taskId: "a" });
    const server = makeServer({ isFailure: (error) => (error as Error).message !== "rate limited" });

    await server.start(() => Promise.reject(new Error("rate limited")));
    await until(() => server.metrics().retried === 1);

    const space = await keyspace();
    expect(space["asynq:{default}:processed"]).toBeUndefined();
    expect(space["asynq:{default}:failed"]).toBeUndefined();
    expect(space["asynq:{default}:retry"]).toEqual({ a: expect.any(String) });
    expect(await message("a")).toMatchObject({ retried: 0, errorMsg: "rate limited" });
    expect(server.metrics()).toMatchObject({ retried: 1, failed: 0 });
  });

  test("tells errorHandler of every failure: retried, skipped, revoked", async ({ makeServer, seed }) => {
    const told: string[] = [];
    await seed({ taskId: "retried" }, { taskId: "skipped" }, { taskId: "revoked" }, { taskId: "fine" });
    const server = makeServer({ errorHandler: (task, error) => void told.push(`${task.id}: ${(error as Error).name}`) });

    await server.start(({ id }) => {
      if (id === "retried") throw new TypeError("no");
      if (id === "skipped") throw new SkipRetry();
      if (id === "revoked") throw new RevokeTask();
    });
    await until(() => server.metrics().busy === 0 && server.metrics().started === 4);

    expect(told.sort()).toEqual(["retried: TypeError", "revoked: RevokeTask", "skipped: SkipRetry"]);
  });

  test.for<[string, unknown, string]>([
    ["undefined", undefined, "handler threw undefined"],
    ["null", null, "handler threw null"],
    ["a string", "boom", "boom"],
    ["an object", { status: 500 }, 'handler threw {"status":500}'],
    ["a symbol", Symbol("boom"), "handler threw Symbol(boom)"],
    ["a lone surrogate", new Error("a\ud800b"), "a\ufffdb"],
    ["a proxy that is revoked", revokedProxy(), "handler threw something that cannot be shown"],
    ["an error that causes itself", circularError(), "its own cause"],
    ["more than fits", new Error("x".repeat(2 ** 20)), `${"x".repeat(4093)}…`],
    ["a rejection with nothing", (): unknown => Promise.reject(), "handler threw undefined"],
    ["a thenable that rejects later", thenable({ value: (_: unknown, no: Reject) => setImmediate(no, new Error("late")) }), "late"],
    ["a thenable whose then throws", thenable({ value: throwBoom }), "boom"],
    ["a getter that throws", thenable({ get: throwBoom }), "boom"],
  ])("records whatever was thrown: %s", async ([, thrown, errorMsg], { makeServer, seed, message }) => {
    await seed({ taskId: "a" });
    const server = makeServer({ errorHandler: () => {} });

    await server.start(() => {
      if (typeof thrown === "function") return thrown();
      throw thrown;
    });
    await until(() => server.metrics().retried === 1);

    expect(await message("a")).toMatchObject({ errorMsg, retried: 1 });
  });

  test("survives errorHandler, isFailure and retryDelayFunc that throw or reject", async ({ makeServer, seed, message, log, redis }) => {
    await seed({ taskId: "a" });
    const fail = (name: string) => (): never => {
      throw new Error(`${name} is broken`);
    };
    const server = makeServer({
      errorHandler: () => Promise.reject(new Error("errorHandler is broken")),
      isFailure: fail("isFailure"),
      retryDelayFunc: fail("retryDelayFunc"),
    });

    await server.start(() => Promise.reject(new Error("no")));
    await until(() => server.metrics().retried === 1);

    expect(await message("a")).toMatchObject({ retried: 1, errorMsg: "no" });
    expect(Number(await redis.zscore("asynq:{default}:retry", "a"))).toBeGreaterThanOrEqual(startSec + 15);
    expect(server.metrics().callbackErrors).toBe(3);
    expect(log.filter((line) => line.startsWith("error ")).length).toBe(3);
  });
});

describe("a run whose message cannot be read", () => {
  test("is quarantined, its bytes untouched, and stops nobody", async ({ makeServer, seed, redis, keyspace }) => {
    await seed({ taskId: "bad" }, { taskId: "good" });
    await redis.hset("asynq:{default}:t:bad", "msg", Buffer.from([0xff, 0xff]));
    const server = makeServer();
    const ran: string[] = [];

    await server.start(({ id }) => void ran.push(id));
    await until(() => server.metrics().done === 1 && server.metrics().quarantined === 1);

    expect(ran).toEqual(["good"]);
    expect(await keyspace()).toMatchObject({
      "asynq:{default}:js:quarantine": { bad: String(startSec) },
      "asynq:{default}:t:bad": {
        msg: "\u00ff\u00ff",
        state: "js:quarantine",
        "js:from": "active",
        "js:why": expect.stringContaining("bad"),
      },
    });
  });

  test("is not given up by a shutdown while its quarantine is being written", async ({ makeServer, seed, redis, port, clock, quiet }) => {
    await seed({ taskId: "bad" });
    await redis.hset("asynq:{default}:t:bad", "msg", Buffer.from([0xff, 0xff]));
    const { opened, open } = gate();
    const server = makeServer(
      { shutdownTimeoutMs: 2_000, abortGraceMs: 1_000 },
      {
        ...port,
        async send(commands, options) {
          if (commands.some((words) => words.includes("asynq:{default}:js:quarantine"))) await opened;
          return port.send(commands, options);
        },
      },
    );
    await server.start(() => {});
    await until(() => server.metrics().unsettledNow === 1);

    const closing = server.shutdown();
    await quiet();
    const passed = await clock.advance(4_000).catch((error: unknown) => error);
    open();
    await closing;

    expect(passed).toBe(undefined);
    expect(server.metrics()).toMatchObject({ quarantined: 1, leaks: 0, requeued: 0 });
  });
});

describe("a run's time", () => {
  test("ends at its timeout: the signal aborts, and after the grace the failure is written while the slot stays taken", async ({
    makeServer,
    seed,
    clock,
    message,
    log,
    pass,
  }) => {
    await seed({ taskId: "a", timeoutSec: 10 }, { taskId: "b", timeoutSec: 3600 });
    const server = makeServer({ concurrency: 1, maxLeaked: 5 });
    const handler = gate();
    const seen: ProcessingTask[] = [];
    await server.start((task) => {
      seen.push(task);
      return task.id === "a" ? handler.opened : undefined;
    });
    await until(() => server.metrics().started === 1);
    expect(seen[0]!.deadline).toEqual(new Date((startSec + 10) * 1000));

    await clock.advance(9_999);
    expect(seen[0]!.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(seen[0]!.signal.reason).toBeInstanceOf(DeadlineExceededError);
    await pass(999);
    expect(server.metrics()).toMatchObject({ unsettledNow: 0, retried: 0 });
    await clock.advance(1);
    await until(() => server.metrics().retried === 1);

    expect(await message("a")).toMatchObject({ errorMsg: "context deadline exceeded", retried: 1 });
    expect(server.metrics()).toMatchObject({ busy: 1, leaked: 1, leaks: 1, started: 1, healthy: true });

    handler.fail(new Error("far too late"));
    await until(() => server.metrics().leaked === 0);
    await until(async () => {
      await clock.advance(1_500);
      return server.metrics().done === 1;
    });
    expect(seen.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(server.metrics()).toMatchObject({ lateErrors: 1, retried: 1, failed: 1 });
    expect(log).toContain('info leaked handler ended {"queue":"default","id":"a","error":"far too late"}');
  });

  test("a handler that ends within the grace has its say: success counts, SkipRetry is heeded, an error becomes the deadline's", async ({
    makeServer,
    seed,
    clock,
    message,
  }) => {
    await seed({ taskId: "success", timeoutSec: 10 }, { taskId: "skip", timeoutSec: 10 }, { taskId: "abort", timeoutSec: 10 });
    const server = makeServer();
    await server.start(
      ({ id, signal }) =>
        new Promise<void>((resolve, reject) => {
          signal.addEventListener("abort", () => {
            if (id === "success") resolve();
            else if (id === "skip") reject(new SkipRetry("would never end"));
            else reject(signal.reason);
          });
        }),
    );
    await until(() => server.metrics().started === 3);

    await clock.advance(10_000);
    await until(() => server.metrics().busy === 0);

    expect(server.metrics()).toMatchObject({ done: 1, archived: 1, retried: 1, leaks: 0 });
    expect(await message("skip")).toMatchObject({ errorMsg: "context deadline exceeded" });
    expect(await message("abort")).toMatchObject({ errorMsg: "context deadline exceeded", retried: 1 });
  });

  test("is over before it began when the deadline has passed: a failure, the handler is not called", async ({
    makeServer,
    seed,
    clock,
    message,
  }) => {
    await seed({ taskId: "a", deadline: new Date((startSec + 1) * 1000) });
    await clock.advance(1_000);
    const server = makeServer();

    await server.start(() => {});
    await until(() => server.metrics().retried === 1);

    expect(server.metrics()).toMatchObject({ started: 0, leaks: 0, busy: 0 });
    expect(await message("a")).toMatchObject({ errorMsg: "context deadline exceeded" });
  });

  test("at maxLeaked leaked handlers the server takes no more and is not healthy, until one ends", async ({
    pass,
    makeServer,
    seed,
    clock,
    keyspace,
    log,
  }) => {
    await seed({ taskId: "a", timeoutSec: 1 }, { taskId: "b", timeoutSec: 1 });
    const server = makeServer({ concurrency: 10, maxLeaked: 2 });
    const handler = gate();
    await server.start(({ id }) => (id === "c" ? undefined : handler.opened));
    await until(() => server.metrics().started === 2);
    await clock.advance(2_000);
    await until(() => server.metrics().retried === 2);
    expect(server.metrics()).toMatchObject({ leaked: 2, healthy: false });
    expect(log).toContain('error so many handlers do not end that no more tasks are taken: restart me {"maxLeaked":2}');

    await seed({ taskId: "c" });
    await pass(60_000);
    expect((await keyspace())["asynq:{default}:pending"]).toEqual(["c"]);

    handler.open();
    await until(() => server.metrics().healthy);
    await until(async () => {
      await clock.advance(1_500);
      return server.metrics().done === 1;
    });
  });

  test("what a leaked handler writes later is refused", async ({ makeServer, seed, clock, keyspace, message }) => {
    await seed({ taskId: "a", timeoutSec: 1 });
    const server = makeServer();
    const handler = gate();
    const lateWrite = gate<unknown>();
    await server.start(async ({ resultWriter }) => {
      await handler.opened;
      lateWrite.open(await resultWriter.write("late").catch((error: unknown) => error));
    });
    await until(() => server.metrics().started === 1);
    await clock.advance(2_000);
    await until(() => server.metrics().leaked === 1 && server.metrics().retried === 1);
    const before = await keyspace();

    handler.open();

    expect(await lateWrite.opened).toMatchObject({ code: "LEASE_LOST" });
    await until(() => server.metrics().leaked === 0);
    expect(server.metrics()).toMatchObject({ lateErrors: 0, busy: 0 });
    expect(await keyspace()).toEqual(before);
    expect(await message("a")).toMatchObject({ retried: 1 });
  });

  test("a shutdown does not wait for a handler that never ends: its outcome is written already", async ({ makeServer, seed, clock }) => {
    await seed({ taskId: "a", timeoutSec: 1 });
    const server = makeServer();
    await server.start(() => new Promise(() => {}));
    await until(() => server.metrics().started === 1);
    await clock.advance(2_000);
    await until(() => server.metrics().leaked === 1 && server.metrics().retried === 1);

    await server.shutdown();

    expect(server.metrics()).toMatchObject({ leaked: 1, busy: 1, requeued: 0 });
  });
});
