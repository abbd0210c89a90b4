import { describe, expect, gate, startMs, test, until } from "../../../test/support/server-test.ts";
import type { ProcessingTask } from "./processing-task.ts";

describe("what a handler gets", () => {
  test("is the task, what is known of this run, and what baseContext makes, once a run", async ({ makeServer, seed }) => {
    await seed({
      taskId: "a",
      type: "email:send",
      queue: "mail",
      payload: { to: "someone" },
      maxRetry: 3,
      timeoutSec: 60,
      retentionSec: 5,
      headers: { trace: "t1" },
    });
    let made = 0;
    const server = makeServer({ queues: { mail: 1 }, baseContext: () => ({ made: ++made }) });
    const seen = gate<ProcessingTask>();

    await server.start((task) => seen.open(task));
    const task = await seen.opened;

    expect(task).toMatchObject({
      type: "email:send",
      id: "a",
      queue: "mail",
      retryCount: 0,
      maxRetry: 3,
      headers: { trace: "t1" },
      deadline: new Date(startMs + 60_000),
      info: { state: "active", id: "a", timeoutSec: 60, retentionSec: 5, deadline: undefined, nextProcessAt: undefined },
    });
    expect(task.json<{ to: string }>().to).toBe("someone");
    expect(task.text()).toBe('{"to":"someone"}');
    expect(task.context).toEqual({ made: 1 });
    expect(task.context).toBe(task.context);
    expect(task.signal.aborted).toBe(false);
  });

  test("is every byte of a payload that is no text; reading it as text or JSON fails without quoting it", async ({
    makeServer,
    seed,
    message,
  }) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await seed({ taskId: "bytes", payload: bytes }, { taskId: "text", payload: "secret" }, { taskId: "none" });
    const server = makeServer();
    const payloads: Record<string, Uint8Array> = {};

    await server.start((task) => {
      payloads[task.id] = task.payload;
      if (task.id === "bytes") task.text();
      if (task.id === "text") task.json();
    });
    await until(() => server.metrics().retried === 2 && server.metrics().done === 1);

    expect(payloads.bytes).toEqual(bytes);
    expect(payloads.none).toHaveLength(0);
    expect((await message("bytes")).errorMsg).toBe('cannot decode the payload of task "bytes" of queue "default": it is not UTF-8');
    expect((await message("text")).errorMsg).toBe('cannot decode the payload of task "text" of queue "default": it is not JSON');
  });

  test("fails the run when baseContext fails and the handler asks for it", async ({ makeServer, seed, message }) => {
    await seed({ taskId: "a" });
    const server = makeServer({
      baseContext: () => {
        throw new Error("no database");
      },
    });

    await server.start((task) => void task.context);
    await until(() => server.metrics().retried === 1);

    expect(await message("a")).toMatchObject({ errorMsg: "no database" });
  });

  test("writes a result that stays with a completed task", async ({ makeServer, seed, redis }) => {
    await seed({ taskId: "a", retentionSec: 60 });
    const server = makeServer();
    const written: number[] = [];

    await server.start(async ({ resultWriter }) => {
      written.push(await resultWriter.write("first"));
      written.push(await resultWriter.write(new Uint8Array([0, 255])));
      expect(resultWriter.taskId).toBe("a");
    });
    await until(() => server.metrics().completed === 1);

    expect(written).toEqual([5, 2]);
    expect(await redis.hgetBuffer("asynq:{default}:t:a", "result")).toEqual(Buffer.from([0, 255]));
  });

  test("refuses a result that is neither bytes nor text before any I/O: it is no failure of Redis, and is not tried for ten seconds", async ({
    makeServer,
    seed,
    message,
    redis,
  }) => {
    await seed({ taskId: "a" });
    const server = makeServer();

    await server.start(async ({ resultWriter }) => void (await resultWriter.write({ sent: true } as never)));
    await until(() => server.metrics().retried === 1);

    expect(await message("a")).toMatchObject({ errorMsg: "invalid result: expected bytes or a string; writeJson takes anything else" });
    expect(await redis.hexists("asynq:{default}:t:a", "result")).toBe(0);
  });

  test("writes no result when the outcome is written, or the task is another's: no ghost of it comes back", async ({
    makeServer,
    seed,
    keyspace,
  }) => {
    await seed({ taskId: "a" });
    const server = makeServer();
    const seen = gate<ProcessingTask>();
    await server.start((task) => seen.open(task));
    const task = await seen.opened;
    await until(() => server.metrics().done === 1);

    await expect(task.resultWriter.write("late")).rejects.toMatchObject({ code: "LEASE_LOST" });

    expect(Object.keys(await keyspace()).filter((key) => key.includes(":t:"))).toEqual([]);
  });
});
