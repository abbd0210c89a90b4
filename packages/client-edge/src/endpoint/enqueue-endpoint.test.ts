import { decodeTaskMessage } from "@asynqjs/core/wire";
import { callers, describe, expect, otherSecret, secret, test, url } from "../../../../test/support/endpoint-test.ts";
import { type EnqueueCaller, type EnqueueEndpointOptions, enqueueEndpoint, tokenBuckets } from "../hono.ts";
import { InvalidOptionError, withMiddleware } from "../index.ts";

const welcome = { type: "email:welcome", payload: { to: "ada@example.com" } };

describe("enqueueEndpoint", () => {
  test("enqueues a task, and says where it stands", async ({ endpoint, redis }) => {
    const { status, body, headers } = await endpoint().post({ ...welcome, options: { taskId: "shop:1" } });

    expect([status, body]).toEqual([202, { verdict: "enqueued", taskId: "shop:1", queue: "default", state: "pending" }]);
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["shop:1"]);
    const message = decodeTaskMessage((await redis.hgetBuffer("asynq:{default}:t:shop:1", "msg"))!, "it");
    expect(message).toMatchObject({ type: "email:welcome", id: "shop:1", retry: 25 });
    expect(Buffer.from(message.payload!).toString()).toBe('{"to":"ada@example.com"}');
  });

  test("takes every option of Asynq by its name", async ({ endpoint, redis }) => {
    const { body } = await endpoint().post({
      tasks: [
        {
          ...welcome,
          options: {
            taskId: "shop:1",
            queue: "mail-slow",
            maxRetry: 3,
            timeoutSec: 60,
            deadline: "2041-01-01T00:00:00+01:00",
            uniqueTtlSec: 30,
            processInSec: 600,
            retentionSec: 7,
            headers: { trace: "1" },
          },
        },
        { ...welcome, options: { taskId: "shop:2", processAt: "2041-01-01T00:00:00Z" } },
        { ...welcome, options: { taskId: "shop:3", group: "g" } },
      ],
    });

    expect(body.results.map(({ verdict, state }) => [verdict, state])).toEqual([
      ["enqueued", "scheduled"],
      ["enqueued", "scheduled"],
      ["enqueued", "aggregating"],
    ]);
    expect(decodeTaskMessage((await redis.hgetBuffer("asynq:{mail-slow}:t:shop:1", "msg"))!, "it")).toMatchObject({
      retry: 3,
      timeoutSec: 60,
      deadlineSec: Date.UTC(2040, 11, 31, 23) / 1000,
      retentionSec: 7,
      headers: { trace: "1" },
    });
    expect(await redis.keys("asynq:{mail-slow}:unique:*")).toHaveLength(1);
    expect(await redis.zscore("asynq:{default}:scheduled", "shop:2")).toBe(`${Date.UTC(2041, 0, 1) / 1000}`);
    expect(await redis.zrange("asynq:{default}:g:g", "0", "-1")).toEqual(["shop:3"]);
  });

  test.for<[string, object, Uint8Array | undefined]>([
    ["an object", { payload: { a: [1, null] } }, Buffer.from('{"a":[1,null]}')],
    ["null", { payload: null }, Buffer.from("null")],
    ["a number", { payload: 1.5 }, Buffer.from("1.5")],
    ["text", { payload: "grüße, 世界 🎉" }, Buffer.from("grüße, 世界 🎉")],
    ["JSON as text, with a number that JavaScript has not", { payload: "12345678901234567890" }, Buffer.from("12345678901234567890")],
    ["a key that is a prototype's", { payload: JSON.parse('{"__proto__":{"a":1}}') }, Buffer.from('{"__proto__":{"a":1}}')],
    ["every byte", { payloadBase64: Buffer.from(allBytes()).toString("base64") }, allBytes()],
    ["no bytes, as Go stores them", { payloadBase64: "" }, undefined],
    ["nothing", {}, undefined],
  ])("stores a payload that is %s", async ([, payload, stored], { endpoint, redis }) => {
    expect(await endpoint().post({ type: "email:x", ...payload, options: { taskId: "shop:1" } })).toMatchObject({ status: 202 });

    const { payload: found } = decodeTaskMessage((await redis.hgetBuffer("asynq:{default}:t:shop:1", "msg"))!, "it");
    expect(found && Buffer.from(found)).toEqual(stored && Buffer.from(stored));
  });

  test("gives each task of many its own verdict, in order, and the status of the worst", async ({ endpoint, redis }) => {
    const { post } = endpoint();
    const unique = { type: "email:once", options: { uniqueTtlSec: 60, taskId: "shop:u" } };
    await post({ tasks: [unique] });

    const task = (taskId: string, options: object = {}) => ({ ...welcome, options: { taskId, ...options } });
    const { status, body } = await post({
      tasks: [
        task("shop:1"),
        task("shop:1"),
        { ...unique, options: { ...unique.options, taskId: "shop:v" } },
        task("shop:2", { retentionSec: -1 }),
        { ...task("shop:3"), type: "payment:refund" },
        task("shop:4", { queue: "other" }),
        task("other:5"),
        task("shop:6"),
      ],
    });

    const refused = { verdict: "error", delivered: "no" };
    expect(body.results).toMatchObject([
      { verdict: "enqueued", taskId: "shop:1" },
      { verdict: "task-id-conflict", taskId: "shop:1", queue: "default" },
      { verdict: "duplicate-task", taskId: "shop:v", queue: "default" },
      { ...refused, code: "INVALID_OPTION", option: "retentionSec", taskId: "shop:2" },
      { ...refused, code: "FORBIDDEN", option: "type" },
      { ...refused, code: "FORBIDDEN", option: "queue" },
      { ...refused, code: "FORBIDDEN", option: "taskId" },
      { verdict: "enqueued", taskId: "shop:6" },
    ]);
    expect(status).toBe(409);
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["shop:6", "shop:1", "shop:u"]);
    expect(await redis.smembers("asynq:queues")).toEqual(["default"]);
  });

  test("makes one task of a request that comes twice, if its task has an id; one without is told its id", async ({ endpoint, redis }) => {
    const { post } = endpoint();
    const once = { ...welcome, options: { taskId: "shop:1" } };

    expect([(await post(once)).status, (await post(once)).status]).toEqual([202, 409]);
    const [first, second] = [await post(welcome), await post(welcome)];

    expect([first.status, second.status]).toEqual([202, 202]);
    expect(first.body.taskId).toMatch(/^shop:[0-9a-f-]{36}$/);
    expect((await post({ ...welcome, options: { taskId: first.body.taskId } })).body.verdict).toBe("task-id-conflict");
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual([second.body.taskId, first.body.taskId, "shop:1"]);
  });

  test("lets each caller do what it may, and nothing else", async ({ endpoint, redis }) => {
    const { post } = endpoint();
    const asOther = { Authorization: `bearer   ${otherSecret}` };

    expect((await post({ type: "anything", options: { queue: "other", taskId: "x" } }, asOther)).status).toBe(202);
    expect((await post(welcome, asOther)).body).toMatchObject({ code: "FORBIDDEN", option: "queue" });
    expect((await post({ type: "anything" })).body).toMatchObject({ code: "FORBIDDEN", option: "type" });

    expect(await redis.smembers("asynq:queues")).toEqual(["other"]);
  });

  test.for<[string, readonly EnqueueCaller[]]>([
    ["no caller", []],
    ["no secret", [{ ...callers[0], secrets: [] }]],
    ["a secret that is not set", [{ ...callers[0], secrets: [undefined] }]],
    ["an empty secret", [{ ...callers[0], secrets: [""] }]],
    ["a secret that can be guessed", [{ ...callers[0], secrets: ["fifteen-letters"] }]],
  ])("is closed where there is %s", async ([, given], { endpoint, redis }) => {
    for (const of of [given, () => given, async () => given])
      for (const token of ["", "undefined", "fifteen-letters", secret]) {
        const { status, body } = await endpoint({ callers: of }).post(welcome, { Authorization: `Bearer ${token}` });
        expect([status, body]).toEqual([503, { error: { code: "NOT_CONFIGURED", message: "no secret of 16 or more characters is set" } }]);
      }
    expect(await redis.keys("*")).toEqual([]);
  });

  test("takes its client and its callers of the request's environment", async ({ client, endpoint, redis }) => {
    const { post } = endpoint({ client: () => client, callers: async () => callers });
    expect((await post(welcome)).status).toBe(202);
    expect(await redis.llen("asynq:{default}:pending")).toBe(1);
  });

  test("limits what a caller enqueues, by tasks; others have their own", async ({ endpoint, clock, redis }) => {
    const { post } = endpoint({ maxTasks: 5 });
    const limited = endpoint({ rateLimit: tokenBuckets({ tasksPerSec: 1, burst: 5, clock }) });
    const tasks = (count: number) => ({ tasks: Array.from({ length: count }, () => welcome) });
    expect((await post(tasks(6))).body.error.code).toBe("TOO_MANY_TASKS");

    expect((await limited.post(tasks(3))).status).toBe(202);
    // What is of no use costs one.
    expect((await limited.post("{")).status).toBe(400);
    const refused = await limited.post(tasks(4));
    expect([refused.status, refused.body.error.code, refused.headers.get("Retry-After")]).toEqual([429, "RATE_LIMITED", "3"]);
    expect((await limited.post({ type: "x", options: { queue: "other" } }, { Authorization: `Bearer ${otherSecret}` })).status).toBe(202);
    await clock.advance(3_000);
    expect((await limited.post(tasks(4))).status).toBe(202);

    expect(await redis.llen("asynq:{default}:pending")).toBe(7);
  });

  test("asks a limit of yours, and is closed where that has no good answer", async ({ endpoint, redis }) => {
    const asked: unknown[] = [];
    const answers = [0, 1_500, Number.NaN, Number.POSITIVE_INFINITY, undefined as never];
    const { post } = endpoint({
      rateLimit: async (caller, tasks, c) => {
        asked.push([caller, tasks, c.req.path]);
        return answers.shift()!;
      },
    });
    const statuses = [];
    for (let i = 0; i < 5; i++) {
      const { status, headers } = await post({ tasks: [welcome, welcome] });
      statuses.push([status, headers.get("Retry-After")]);
    }

    expect(statuses).toEqual([
      [202, null],
      [429, "2"],
      [429, "60"],
      [429, "60"],
      [429, "60"],
    ]);
    expect(asked[0]).toEqual(["shop", 2, "/tasks"]);
    expect(await redis.llen("asynq:{default}:pending")).toBe(2);
  });

  test("says what Redis did of each task, and nothing of Redis", async ({ endpoint, faults, redis }) => {
    const of = endpoint();
    const task = (taskId: string) => ({ ...welcome, options: { taskId } });

    faults.next("drop-reply");
    expect((await of.post(task("shop:1"))).status).toBe(202);

    faults.next({ status: 401 });
    const refused = await of.post(task("shop:2"));
    expect([refused.status, refused.body]).toEqual([
      503,
      { verdict: "error", code: "REDIS", delivered: "no", taskId: "shop:2", queue: "default" },
    ]);

    faults.next(...Array.from({ length: 6 }, () => "drop-reply" as const));
    const lost = await of.post(task("shop:3"));
    expect([lost.status, lost.body]).toEqual([
      502,
      { verdict: "error", code: "REDIS", delivered: "unknown", taskId: "shop:3", queue: "default" },
    ]);
    // It was there, as a second call with the same id finds out.
    expect((await of.post(task("shop:3"))).body.verdict).toBe("task-id-conflict");

    await redis.set("asynq:{mail-x}:pending", "no list");
    const wrong = await of.post({ ...welcome, options: { queue: "mail-x", taskId: "shop:4" } });
    expect([wrong.status, wrong.body.code]).toEqual([503, "REDIS"]);
    expect(of.hidden).toMatchObject([{ status: 401 }, { delivered: "unknown" }, { reply: "WRONGTYPE" }]);
    expect([refused, lost, wrong].map(({ text }) => text).join()).not.toMatch(/127\.0\.0\.1|WRONGTYPE|token|ada@/);
  });

  test.for<[string, (thrown: () => never) => Partial<EnqueueEndpointOptions>]>([
    ["its client", (thrown) => ({ client: thrown })],
    ["a middleware", (thrown) => ({ client: withMiddleware({ enqueue: thrown, enqueueMany: thrown }) })],
    ["its callers", (thrown) => ({ callers: thrown })],
    ["its limit", (thrown) => ({ rateLimit: thrown })],
  ])("hides what %s throws, and tells you", async ([, broken], { endpoint, redis }) => {
    const error = new Error(`secret ${secret}`);
    const of = endpoint(
      broken(() => {
        throw error;
      }),
    );

    const { status, body } = await of.post(welcome);

    expect([status, body]).toEqual([500, { error: { code: "INTERNAL", message: "something failed here" } }]);
    expect(of.hidden).toEqual([error]);
    expect(await redis.keys("*")).toEqual([]);
  });

  test("hands on what a middleware says of a task, and hides errors it does not know", async ({ endpoint, client }) => {
    const errors = [new InvalidOptionError("payload", "expected an address"), new Error("internal")];
    const of = endpoint({
      client: withMiddleware(client, async () => [{ error: errors[0] as never }, { error: errors[1] as never }]),
    });

    const { status, body } = await of.post({ tasks: [welcome, welcome, welcome] });

    expect(status).toBe(500);
    expect(body.results).toMatchObject([
      { code: "INVALID_OPTION", option: "payload", message: "invalid payload: expected an address", delivered: "no" },
      { code: "INTERNAL", delivered: "unknown" },
      { code: "INTERNAL", delivered: "unknown" },
    ]);
    expect(of.hidden).toEqual([errors[1], undefined]);
  });

  test.for(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])("refuses %s", async (method, { endpoint }) => {
    const { status, headers } = await endpoint().fetch(new Request(url, { method, headers: { Authorization: `Bearer ${secret}` } }));
    expect([status, headers.get("Allow")]).toEqual([405, "POST"]);
  });

  test.for<[option: string, Partial<EnqueueEndpointOptions>]>([
    ["client", { client: {} as never }],
    ["maxBodyBytes", { maxBodyBytes: 0 }],
    ["maxBodyBytes", { maxBodyBytes: 1.5 }],
    ["bodyTimeoutMs", { bodyTimeoutMs: Number.NaN }],
    ["maxTasks", { maxTasks: 1001 }],
    ["callers", { callers: "shop" as never }],
    ["callers", { callers: [{ ...callers[0], name: "" }] }],
    ["callers", { callers: [callers[0], callers[0]] }],
    ["callers", { callers: [callers[0], { ...callers[0], name: "b" }] }],
    ["callers", { callers: [{ ...callers[0], secrets: secret as never }] }],
    ["types of a caller", { callers: [{ ...callers[0], types: undefined as never }] }],
    ["types of a caller", { callers: [{ ...callers[0], types: ["a*b"] }] }],
    ["queues of a caller", { callers: [{ ...callers[0], queues: [""] }] }],
    ["taskIds of a caller", { callers: [{ ...callers[0], taskIds: "*" as never }] }],
  ])("refuses at once to be made with a bad %s", ([option, options], { client }) => {
    const make = () => enqueueEndpoint({ client, callers, ...options });
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option }));
    expect(make).not.toThrow(secret);
  });
});

function allBytes(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, i) => i);
}
