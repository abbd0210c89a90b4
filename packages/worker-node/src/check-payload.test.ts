import { defineTask, InvalidPayloadError } from "@asynqjs/core";
import { expectTypeOf } from "vitest";
import * as z from "zod";
import { describe, expect, test, until } from "../../../test/support/server-test.ts";
import type { ProcessingTask } from "./processing-task.ts";
import { ServeMux } from "./serve-mux.ts";

const welcome = defineTask("email:welcome", z.object({ to: z.string(), at: z.coerce.date() })).returns<{ sent: number }>();

describe("a handler of a task definition", () => {
  test("gets what the schema makes of the payload, and writes a result of the definition's type", async ({ makeServer, seed, redis }) => {
    await seed({ taskId: "a", type: "email:welcome", payload: { to: "someone", at: 0, more: "cut off" }, retentionSec: 60 });
    const server = makeServer();
    const seen: unknown[] = [];
    const mux = new ServeMux().handle(welcome, async (task) => {
      expectTypeOf(task.json()).toEqualTypeOf<{ to: string; at: Date }>();
      expectTypeOf(task).toExtend<ProcessingTask>();
      expectTypeOf(task.resultWriter.writeJson).parameter(0).toEqualTypeOf<{ sent: number }>();
      const first = task.json();
      seen.push(first, task.json() === first);
      await task.resultWriter.writeJson({ sent: 1 });
    });

    await server.start(mux);
    await until(() => server.metrics().completed === 1);

    expect(seen).toEqual([{ to: "someone", at: new Date(0) }, true]);
    expect(await redis.hget("asynq:{default}:t:a", "result")).toBe('{"sent":1}');
  });

  test("is not called with another payload: archived without retries, the error says where and not what", async ({
    makeServer,
    seed,
    message,
    redis,
    log,
  }) => {
    await seed(
      { taskId: "invalid", type: "email:welcome", payload: { to: 4711, at: 0 } },
      { taskId: "no JSON", type: "email:welcome", payload: "secret" },
      { taskId: "empty", type: "email:welcome" },
    );
    const told: unknown[] = [];
    const server = makeServer({ errorHandler: (_, error) => void told.push((error as Error).cause) });
    let calls = 0;

    await server.start(new ServeMux().handle(welcome, () => void calls++));
    await until(() => server.metrics().archived === 3);

    expect(calls).toBe(0);
    expect(await redis.zcard("asynq:{default}:archived")).toBe(3);
    expect(await message("invalid")).toMatchObject({
      retried: 0,
      errorMsg: 'invalid payload of a task of type "email:welcome": at "to"',
    });
    expect(await message("no JSON")).toMatchObject({
      errorMsg: 'cannot decode the payload of a task of type "email:welcome": it is not JSON',
    });
    expect(await message("empty")).toMatchObject({ errorMsg: 'invalid payload of a task of type "email:welcome": at the top' });
    expect(told).toContainEqual(new InvalidPayloadError("email:welcome", ["to"]));
    expect(log.join()).not.toMatch(/4711|secret/);
  });

  test("is tried again when the schema itself is broken", async ({ makeServer, seed, message }) => {
    await seed({ taskId: "a", type: "a", payload: {} });
    const validate = () => Promise.reject(new Error("no database"));
    const broken = defineTask("a", { "~standard": { version: 1, vendor: "test", validate } });
    const server = makeServer();

    await server.start(new ServeMux().handle(broken, () => {}));
    await until(() => server.metrics().retried === 1);

    expect(await message("a")).toMatchObject({ errorMsg: "no database", retried: 1 });
  });

  test("without schema reads the payload as it is, when it asks for it", async ({ makeServer, seed }) => {
    const plain = defineTask<{ at: Date }>("plain");
    await seed({ taskId: "a", type: "plain", payload: "not JSON" }, { taskId: "b", type: "plain", payload: { at: new Date(0) } });
    const server = makeServer();
    const seen: string[] = [];
    const mux = new ServeMux().handle(plain, {
      processTask(task) {
        if (task.id === "a") return;
        expectTypeOf(task.json()).toEqualTypeOf<{ at: string }>();
        seen.push(task.json().at);
      },
    });

    await server.start(mux);
    await until(() => server.metrics().done === 2);

    expect(seen).toEqual(["1970-01-01T00:00:00.000Z"]);
  });
});
