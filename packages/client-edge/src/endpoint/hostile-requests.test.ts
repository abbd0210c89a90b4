import { decodeTaskMessage } from "@asynqjs/core/wire";
import fc from "fast-check";
import { callers, describe, expect, secret, test, url } from "../../../../test/support/endpoint-test.ts";
import type { RedisFixtures } from "../../../../test/support/redis-test.ts";

const canary = "canary-4711";
const task = (fields: object) => ({ type: "email:x", ...fields });

describe("an endpoint that is sent what nobody means well with", () => {
  test.for<[string, string | Uint8Array<ArrayBuffer>]>([
    ["nothing", ""],
    ["no JSON", `{"type":"email:x","payload":"${canary}"`],
    ["JSON and more", '{"type":"email:x"}{"type":"email:x"}'],
    ["no UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
    ["UTF-16", new Uint8Array(Buffer.from('{"type":"email:x"}', "utf16le"))],
    ["null", "null"],
    ["text", `"${canary}"`],
    ["a number", "1e999"],
    ["a list", '[{"type":"email:x"}]'],
    ["no tasks", '{"tasks":[]}'],
    ["tasks that are one", '{"tasks":{"type":"email:x"}}'],
    ["tasks that have a length", '{"tasks":{"length":1,"0":{"type":"email:x"}}}'],
    ["tasks and something else", '{"tasks":[{"type":"email:x"}],"type":"email:x"}'],
    ["tasks by a prototype", '{"__proto__":{"tasks":[{"type":"email:x"}]}}'],
    ["brackets a hundred thousand deep", "[".repeat(100_000)],
  ])("refuses a body that is %s", async ([, body], { endpoint, redis }) => {
    const { fetch } = endpoint();
    const headers = { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" };

    const answer = await fetch(new Request(url, { method: "POST", headers, body }));

    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain(canary);
    expect(await redis.keys("*")).toEqual([]);
  });

  test.for<[string, unknown, option: string]>([
    ["is null", null, "task"],
    ["is a list", [], "task"],
    ["has a key too many", task({ id: canary }), "task"],
    ["has keys of a prototype", JSON.parse('{"type":"email:x","__proto__":{"payload":1}}'), "task"],
    ["has a constructor", task({ constructor: { prototype: {} } }), "task"],
    ["has no type", { payload: canary }, "type"],
    ["has a blank type", task({ type: " \t" }), "type"],
    ["has a type that is no text", task({ type: ["email:x"] }), "type"],
    ["has a type that only looks allowed", task({ type: "email" }), "type"],
    ["has a type that is allowed in other letters", task({ type: "Email:x" }), "type"],
    ["has a type that is a pattern", task({ type: "image:*" }), "type"],
    ["has two payloads", task({ payload: 1, payloadBase64: "" }), "payloadBase64"],
    ["has a number that would be another", task({ payload: { a: [{ b: Number.MAX_SAFE_INTEGER + 2 }] } }), "payload"],
    ["has base64 without its end", task({ payloadBase64: "YQ" }), "payloadBase64"],
    ["has base64 for URLs", task({ payloadBase64: "_-_-" }), "payloadBase64"],
    ["has base64 with spaces", task({ payloadBase64: "YQ ==" }), "payloadBase64"],
    ["has base64 with its end in the middle", task({ payloadBase64: "YQ==YQ==" }), "payloadBase64"],
    ["has base64 of another width", task({ payloadBase64: "ＹＱ==" }), "payloadBase64"],
    ["has base64 that is no text", task({ payloadBase64: 1 }), "payloadBase64"],
    ["has options that are a list", task({ options: [] }), "options"],
    ["has options that are null", task({ options: null }), "options"],
    ["has an option nobody knows", task({ options: { [canary]: 1 } }), "options"],
    ["has a queue by a prototype", JSON.parse('{"type":"email:x","options":{"__proto__":{"queue":"other"}}}'), "options"],
    ["has a queue of somebody else", task({ options: { queue: "other" } }), "queue"],
    ["has a queue whose keys would be another's", task({ options: { queue: "mail-}:t:{default" } }), "queue"],
    ["has a queue that is no text", task({ options: { queue: ["default"] } }), "queue"],
    ["has a queue that is null", task({ options: { queue: null } }), "queue"],
    ["has a queue that has no end", task({ options: { queue: `mail-${"x".repeat(200)}` } }), "queue"],
    ["has half of a character in its queue", task({ options: { queue: "mail-\ud800" } }), "queue"],
    ["has an id of somebody else", task({ options: { taskId: "other:1" } }), "taskId"],
    ["has an id with a line break", task({ options: { taskId: "shop:\n1" } }), "taskId"],
    ["has an id that is a number", task({ options: { taskId: 1 } }), "taskId"],
    ["has a group that is another's set", task({ options: { group: "a:9c5b94b1-35ad-49bb-b118-8e8fc24abf80" } }), "group"],
    ["has a count that is text", task({ options: { maxRetry: "3" } }), "maxRetry"],
    ["has a count beyond 32 bits", task({ options: { maxRetry: 2 ** 31 } }), "maxRetry"],
    ["has seconds beyond all time", task({ options: { processInSec: 1e300 } }), "processInSec"],
    ["has a retention before now", task({ options: { retentionSec: -1 } }), "retentionSec"],
    ["has a lock of no time", task({ options: { uniqueTtlSec: 0 } }), "uniqueTtlSec"],
    ["has a time without a zone", task({ options: { processAt: "2041-01-01T00:00:00" } }), "processAt"],
    ["has a time that is none", task({ options: { processAt: "2041-13-01T00:00:00Z" } }), "processAt"],
    ["has a time on a day that its month has not", task({ options: { processAt: "2041-02-29T00:00:00+01:00" } }), "processAt"],
    ["has a time that is a number", task({ options: { deadline: 1e12 } }), "deadline"],
    ["has headers that are a list", task({ options: { headers: ["a"] } }), "headers"],
    ["has a header that is no text", task({ options: { headers: { a: 1 } } }), "headers"],
  ])("refuses a task that %s, and no other", async ([, given, option], { endpoint, redis }) => {
    const good = task({ options: { taskId: "shop:good" } });

    const { status, body, text } = await endpoint().post({ tasks: [given, good] });

    expect(body.results).toMatchObject([
      { verdict: "error", delivered: "no", option },
      { verdict: "enqueued", taskId: "shop:good" },
    ]);
    expect([400, 403]).toContain(status);
    expect(text).not.toContain(canary);
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["shop:good"]);
    expect(await redis.smembers("asynq:queues")).toEqual(["default"]);
  });

  test("refuses numbers that are none any more, in whatever depth, and a payload too deep to be written", async ({ endpoint, redis }) => {
    const { post } = endpoint();
    for (const payload of ["1e999", "-1e999", "12345678901234567890", `${"[".repeat(10_000)}1e999${"]".repeat(10_000)}`])
      expect((await post(`{"type":"email:x","payload":${payload}}`)).body).toMatchObject({ code: "INVALID_OPTION", option: "payload" });
    const deep = await post(`{"type":"email:x","payload":${"[".repeat(200_000)}${"]".repeat(200_000)}}`);
    expect([400, 202]).toContain(deep.status);
    expect((await redis.keys("asynq:{*}:t:*")).length).toBe(deep.status === 202 ? 1 : 0);
  });

  test.for<[string, Record<string, string>]>([
    ["no type", { "Content-Type": "" }],
    ["a form", { "Content-Type": "application/x-www-form-urlencoded" }],
    ["plain text, as another origin may send it", { "Content-Type": "text/plain" }],
    ["two types", { "Content-Type": "application/json, text/plain" }],
    ["a type that begins like it", { "Content-Type": "application/jsonp" }],
    ["another charset", { "Content-Type": "application/json; charset=utf-16" }],
    ["a packed body", { "Content-Encoding": "gzip" }],
  ])("refuses %s", async ([, headers], { endpoint, redis }) => {
    expect((await endpoint().post(task({}), headers)).body.error.code).toBe("UNSUPPORTED_MEDIA_TYPE");
    expect(await redis.keys("*")).toEqual([]);
  });

  test.for(["application/json", "Application/JSON;charset=UTF-8", 'application/json ; charset="utf-8"'])(
    "takes %s",
    async (type, { endpoint }) => {
      expect((await endpoint().post(task({}), { "Content-Type": type, "Content-Encoding": "identity" })).status).toBe(202);
    },
  );

  test("whatever is made of a request, answers it without a fault, and lets through what its caller may", { timeout: 60_000 }, async ({
    endpoint,
    client,
    redis,
  }) => {
    const of = endpoint({ client, rateLimit: () => 0, maxBodyBytes: 4_000, maxTasks: 4 });
    const seen = new Map<number, number>();

    await fc.assert(
      fc.asyncProperty(bodies, headerSets, async (body, headers) => {
        const answer = await of.fetch(new Request(url, { method: "POST", body, headers }));

        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        expect([202, 400, 401, 403, 409, 413, 415]).toContain(answer.status);
        expect(answer.body).toBeTypeOf("object");
        expect(answer.text).not.toMatch(/canary|the-secret|127\.0\.0\.1|\bat .*\.ts/);
        const known = headers.Authorization === `Bearer ${secret}` && headers["Asynqjs-Signature"] === undefined;
        expect(answer.status === 401).toBe(!known);
      }),
      { numRuns: 1_000, seed: 4711 },
    );

    for (const status of [202, 400, 401, 403]) expect(seen.get(status) ?? 0, `answers with ${status}`).toBeGreaterThan(20);
    expect(of.hidden).toEqual([]);
    expect(Object.keys(Object.prototype)).toEqual([]);
    await expectOnlyAllowed(redis);
  });
});

/** Looks at each task that is there. */
async function expectOnlyAllowed(redis: RedisFixtures["redis"]): Promise<void> {
  const keys = await redis.keys("asynq:{*}:t:*");
  expect(keys.length).toBeGreaterThan(20);
  for (const key of keys) {
    const [, queue, id] = /^asynq:\{(.*)\}:t:(.*)$/s.exec(key)!;
    const message = decodeTaskMessage((await redis.hgetBuffer(key, "msg"))!, key);
    expect([message.queue, message.id]).toEqual([queue, id]);
    expect(queue).toMatch(/^(default|mail-.*)$/);
    expect(id).toMatch(/^shop:./);
    expect(message.type).toMatch(/^(email:.*|image:resize)$/s);
  }
}

const names = ["default", "mail-a", "other", "shop:1", "other:1", "email:x", "image:resize", "image:*", "", " ", "{", "__proto__"];
const word = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...names) }, fc.string({ unit: "binary", maxLength: 12 }));
const numbers = fc.oneof(fc.constantFrom(1e21, -0, 2 ** 31, 2 ** 53, -1, Number.MIN_VALUE), fc.double());
const junk = fc.oneof(word, numbers, fc.jsonValue({ maxDepth: 3 }), fc.constant(`canary ${"x".repeat(600)}`));
const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** What is well meant, with some of it replaced by what is not: by any name, those of a prototype too. */
const damaged = (good: fc.Arbitrary<object>, keys: readonly string[]): fc.Arbitrary<object> =>
  fc.tuple(good, sometimes(fc.dictionary(fc.constantFrom(...keys, "__proto__", "constructor"), junk, { minKeys: 1, maxKeys: 2 }))).map(
    // Not by assigning: `__proto__` is to be a key like others.
    ([fields, replaced = {}]) => Object.fromEntries([...Object.entries(fields), ...Object.entries(replaced)]),
  );

const optionKeys = [
  "taskId",
  "queue",
  "maxRetry",
  "timeoutSec",
  "uniqueTtlSec",
  "processInSec",
  "processAt",
  "deadline",
  "retentionSec",
  "group",
  "headers",
];
const options = damaged(
  fc.record(
    {
      taskId: fc.string({ minLength: 2, maxLength: 4 }).map((tail) => `shop:${tail}`),
      queue: fc.constantFrom("default", "mail-a", "mail-b", "mail-c", "other"),
      maxRetry: fc.integer({ min: -3, max: 99 }),
      processInSec: fc.nat(1e6),
      group: fc.constant("g"),
      headers: fc.dictionary(word, fc.string(), { maxKeys: 3 }),
    },
    { requiredKeys: [] },
  ),
  optionKeys,
);
const hostileTask = damaged(
  fc.record(
    {
      type: fc.constantFrom("email:x", "email:y", "email:z", "image:resize", "payment:x"),
      payload: fc.oneof(fc.constant("canary"), fc.jsonValue({ maxDepth: 3 })),
      options,
    },
    { requiredKeys: ["type"] },
  ),
  ["type", "payload", "payloadBase64", "options"],
);

/** JSON of tasks, and some of it cut, changed or put together from pieces. */
const bodies: fc.Arbitrary<Uint8Array<ArrayBuffer>> = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: hostileTask },
      { weight: 3, arbitrary: fc.array(hostileTask, { maxLength: 5 }).map((tasks) => ({ tasks })) },
      { weight: 1, arbitrary: junk },
    ),
    sometimes(fc.tuple(fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 4 }))),
  )
  .map(([value, damage]) => {
    const bytes = Buffer.from(JSON.stringify(value) ?? "");
    if (damage === undefined) return new Uint8Array(bytes);
    const at = damage[0] % (bytes.length + 1);
    return new Uint8Array(Buffer.concat([bytes.subarray(0, at), damage[2], bytes.subarray(at + damage[1])]));
  });

const headerNames = ["Authorization", "Asynqjs-Signature", "Asynqjs-Timestamp", "Content-Type", "Content-Encoding"];
const headerValue = fc.oneof(
  fc.constantFrom("", "1", "v1=", `v1=${"0".repeat(64)}`, "gzip", "text/plain", "9".repeat(400)),
  fc.stringMatching(/^[ -~]{0,20}$/),
);
const headerSets: fc.Arbitrary<Record<string, string>> = sometimes(fc.dictionary(fc.constantFrom(...headerNames), headerValue)).map(
  (changed) => ({ Authorization: `Bearer ${secret}`, "Content-Type": "application/json", ...changed }),
);

test("the callers of these tests are what they are taken for", () => {
  expect(callers[0]).toMatchObject({ types: ["email:*", "image:resize"], queues: ["default", "mail-*"], taskIds: ["shop:*"] });
});
