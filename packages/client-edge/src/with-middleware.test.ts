import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { describe } from "vitest";
import { expect, test as redisTest } from "../../../test/support/redis-test.ts";
import { Client, type EnqueueMiddleware, type EnqueueOutcome, InvalidOptionError, Task, withMiddleware } from "./index.ts";

const test = redisTest.extend<{ client: Client; headersOf: (id: string) => Promise<unknown> }>({
  client: async ({ redis }, use) => use(new Client({ redis: ioredisPort(redis) })),
  headersOf: async ({ redis }, use) =>
    use(async (id) => ({ ...decodeTaskMessage((await redis.hgetBuffer(`asynq:{default}:t:${id}`, "msg"))!, id).headers })),
});

/** Adds a header to every task, beside those it has. */
const traced: EnqueueMiddleware = (requests, next) =>
  next(requests.map(({ task, options }) => ({ task, options: { ...options, headers: { ...options.headers, traceparent: "00-1-1-01" } } })));

/** Refuses tasks of one type, and lets the others pass. */
const refuses =
  (type: string): EnqueueMiddleware =>
  async (requests, next) => {
    const passed = requests.filter(({ task }) => task.type !== type);
    const outcomes = (await next(passed)).values();
    return requests.map(
      ({ task }): EnqueueOutcome => (task.type === type ? { error: new InvalidOptionError("type", "not here") } : outcomes.next().value!),
    );
  };

describe("withMiddleware", () => {
  test("lets a middleware change what is enqueued, one or many, and keeps what was asked for", async ({ client, headersOf }) => {
    const wrapped = withMiddleware(client, traced);

    const info = await wrapped.enqueue(new Task("a", undefined, { headers: { own: "1" } }), { taskId: "one", headers: { given: "2" } });
    const outcomes = await wrapped.enqueueMany([
      new Task("a", undefined, { taskId: "two" }),
      { task: new Task("a"), options: { taskId: "three" } },
    ]);

    expect(info).toMatchObject({ id: "one", headers: { own: "1", given: "2", traceparent: "00-1-1-01" } });
    expect(outcomes.map((outcome) => outcome.info?.id)).toEqual(["two", "three"]);
    expect(await headersOf("one")).toEqual({ own: "1", given: "2", traceparent: "00-1-1-01" });
    expect(await headersOf("two")).toEqual({ traceparent: "00-1-1-01" });
  });

  test("leaves the client as it was", async ({ client, headersOf }) => {
    withMiddleware(client, traced);

    await client.enqueue(new Task("a"), { taskId: "one" });

    expect(await headersOf("one")).toEqual({});
  });

  test("goes through them in the order given, once for each call, and back", async ({ client }) => {
    const steps: string[] = [];
    const step =
      (name: string): EnqueueMiddleware =>
      async (requests, next) => {
        steps.push(`${name} in with ${requests.length}`);
        const outcomes = await next(requests);
        steps.push(`${name} out`);
        return outcomes;
      };

    await withMiddleware(client, step("a"), step("b")).enqueueMany([new Task("x"), new Task("y")]);
    await withMiddleware(withMiddleware(client, step("inner")), step("outer")).enqueue(new Task("x"));

    expect(steps.slice(0, 4)).toEqual(["a in with 2", "b in with 2", "b out", "a out"]);
    expect(steps.slice(4)).toEqual(["outer in with 1", "inner in with 1", "inner out", "outer out"]);
  });

  test("lets a middleware refuse a task among others, without a request for it; enqueue throws what was refused", async ({
    client,
    redis,
  }) => {
    const wrapped = withMiddleware(client, refuses("forbidden"));

    const outcomes = await wrapped.enqueueMany([
      new Task("a", undefined, { taskId: "1" }),
      new Task("forbidden", undefined, { taskId: "2" }),
      new Task("b", undefined, { taskId: "3" }),
    ]);

    expect(outcomes.map(({ info, error }) => info?.id ?? error?.message)).toEqual(["1", "invalid type: not here", "3"]);
    expect(await redis.lrange("asynq:{default}:pending", "0", "-1")).toEqual(["3", "1"]);
    await expect(wrapped.enqueue(new Task("forbidden"))).rejects.toThrow(InvalidOptionError);
  });

  test("hands on what a middleware throws, at once or later, and what the client says of one task", async ({ client, redis }) => {
    const throwing = withMiddleware(client, () => {
      throw new Error("no tenant");
    });

    await expect(throwing.enqueue(new Task("a"))).rejects.toThrow("no tenant");
    await expect(throwing.enqueueMany([new Task("a")])).rejects.toThrow("no tenant");
    expect(await redis.exists("asynq:{default}:pending")).toBe(0);

    const wrapped = withMiddleware(client, traced);
    await wrapped.enqueue(new Task("a"), { taskId: "1" });
    await expect(wrapped.enqueue(new Task("a"), { taskId: "1" })).rejects.toMatchObject({ code: "TASK_ID_CONFLICT" });
  });

  test("a thing that is no task is refused as by the client itself, and the others are enqueued", async ({ client, redis }) => {
    const wrapped = withMiddleware(client, (requests, next) => next(requests));

    const outcomes = await wrapped.enqueueMany([new Task("a", undefined, { taskId: "1" }), "a" as never, null as never]);

    expect(outcomes.map(({ info, error }) => info?.id ?? error?.code)).toEqual(["1", "INVALID_OPTION", "INVALID_OPTION"]);
    expect(await redis.lrange("asynq:{default}:pending", "0", "-1")).toEqual(["1"]);
  });

  test("gives the signal and the timeout of the call to the client", async ({ client }) => {
    const wrapped = withMiddleware(client, traced);

    await expect(wrapped.enqueue(new Task("a"), {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "REDIS",
      delivered: "no",
    });
  });
});
