import { type EnqueueOptions, makeBroker, systemClock, systemRandom } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { readKeyspace } from "@asynqjs/core/testing";
import { Redis as UpstashRedis } from "@upstash/redis";
import { describe } from "vitest";
import { expect, test as gatewayTest, token } from "../../../test/support/gateway-test.ts";
import { hastyClock, hastyTimeoutMs } from "../../../test/support/hasty-clock.ts";
import type { EnqueueItem } from "./client.ts";
import { Client, type ClientOptions, RedisError, Task } from "./upstash.ts";

const startMs = Date.UTC(2040, 0, 2, 3, 4, 5);
const startSec = startMs / 1000;

interface ClientFixtures {
  /** Its pauses pass at once, its time stands still otherwise, and a try never times out. */
  readonly options: Extract<ClientOptions, { readonly url: string }>;
  readonly client: Client;
  readonly keyspace: () => ReturnType<typeof readKeyspace>;
}

const test = gatewayTest.extend<ClientFixtures>({
  options: async ({ faults }, use) =>
    use({ url: faults.url, token, clock: hastyClock(startMs), timeoutMs: 1e7, tryTimeoutMs: hastyTimeoutMs }),
  client: async ({ options }, use) => {
    const client = new Client(options);
    await use(client);
    await client.close();
  },
  keyspace: async ({ redis }, use) => {
    const port = ioredisPort(redis);
    await use(() => readKeyspace(port));
    await port.close();
  },
});

describe("Client", () => {
  test("enqueues the same task by url and token, by an @upstash/redis instance, and by a port of core", async ({
    options,
    redis,
    keyspace,
  }) => {
    const { url: _, token: __, ...others } = options;
    const port = ioredisPort(redis);
    const clients = [
      new Client(options),
      new Client({ redis: new UpstashRedis({ url: options.url, token }), ...others }),
      new Client({ redis: port, ...others }),
    ];
    const seen: unknown[] = [];
    for (const client of clients) {
      await redis.flushdb();
      const info = await client.enqueue(new Task("email:welcome", { to: "someone" }, { maxRetry: 3 }), {
        taskId: "a",
        queue: "critical",
        headers: { trace: "1" },
        retentionSec: 60,
      });
      seen.push([info, await keyspace()]);
    }

    const [first] = seen;
    expect(seen).toEqual([first, first, first]);
    expect(first).toEqual([
      {
        id: "a",
        queue: "critical",
        type: "email:welcome",
        payload: new TextEncoder().encode('{"to":"someone"}'),
        headers: { trace: "1" },
        state: "pending",
        maxRetry: 3,
        retried: 0,
        timeoutSec: 1800,
        deadline: undefined,
        group: undefined,
        retentionSec: 60,
        nextProcessAt: new Date(startMs),
      },
      {
        "asynq:queues": ["critical"],
        "asynq:{critical}:pending": ["a"],
        "asynq:{critical}:t:a": { msg: expect.any(String), state: "pending", pending_since: `${startSec}000000000` },
      },
    ]);
  });

  test("schedules, groups and locks, and answers so", async ({ client, keyspace }) => {
    const outcomes = await client.enqueueMany([
      { task: new Task("t"), options: { taskId: "later", processInSec: 60 } },
      { task: new Task("t"), options: { taskId: "grouped", group: "g" } },
      { task: new Task("t"), options: { taskId: "locked", uniqueTtlSec: 3600 } },
    ]);

    expect(outcomes.map(({ info }) => [info!.state, info!.nextProcessAt])).toEqual([
      ["scheduled", new Date(startMs + 60_000)],
      ["aggregating", undefined],
      ["pending", new Date(startMs)],
    ]);
    expect(await keyspace()).toMatchObject({
      "asynq:{default}:scheduled": { later: `${startSec + 60}` },
      "asynq:{default}:g:g": { grouped: `${startSec}` },
      "asynq:{default}:pending": ["locked"],
    });
  });

  for (const fault of ["reset", "drop-reply", "half-reply"] as const) {
    test(`repeats a request that got no answer (${fault}): one task, an ordinary answer`, async ({ client, faults, redis }) => {
      await client.enqueue(new Task("t"), { queue: "warm" });
      const options: EnqueueOptions = { taskId: "a", uniqueTtlSec: 3600 };

      faults.next(fault);
      expect(await client.enqueue(new Task("t"), options)).toMatchObject({ id: "a", state: "pending" });

      expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
      expect(faults.requests.at(-1)!.body).toBe(faults.requests.at(-2)!.body);
    });
  }

  test("answers as the first time when the task was done and gone before the request came again", async ({ client, faults, redis }) => {
    await client.enqueue(new Task("t"), { queue: "warm" });
    faults.next("hold-reply");
    const giveUp = new AbortController();
    const lost = client.enqueue(new Task("t"), { taskId: "a" }, { signal: giveUp.signal });
    await faults.held;
    giveUp.abort();
    await expect(lost).rejects.toMatchObject({ code: "REDIS", delivered: "unknown" });
    await redis.del("asynq:{default}:t:a", "asynq:{default}:pending");

    // Whoever repeats the bytes: a proxy, a platform.
    const { path, headers, body } = faults.requests.at(-1)!;
    const replayed = await fetch(faults.url + path, { method: "POST", headers: { authorization: headers.authorization! }, body });

    expect(await replayed.json()).toContainEqual({ result: "e" });
    expect(await redis.exists("asynq:{default}:t:a")).toBe(0);
  });

  test("refuses an id and a lock that are taken, by errors that name the task and nothing else", async ({ client, keyspace }) => {
    await client.enqueue(new Task("t", "secret"), { taskId: "a", uniqueTtlSec: 3600 });
    const before = await keyspace();

    await expect(client.enqueue(new Task("t", "other"), { taskId: "a" })).rejects.toMatchObject({
      code: "TASK_ID_CONFLICT",
      message: 'task ID conflicts with another task: queue="default" id="a"',
    });
    await expect(client.enqueue(new Task("t", "secret"), { taskId: "b", uniqueTtlSec: 1 })).rejects.toMatchObject({
      code: "DUPLICATE_TASK",
      message: 'task already exists: queue="default" type="t"',
    });
    expect(await keyspace()).toEqual(before);
  });

  test("refuses what cannot be a task before any I/O", async ({ client, options, faults }) => {
    await expect(client.enqueue(new Task("t"), { queue: " " })).rejects.toMatchObject({ code: "INVALID_OPTION", option: "queue" });
    await expect(client.enqueue(new Task("t", new Uint8Array(1024 * 1024 + 1)))).rejects.toMatchObject({
      code: "INVALID_OPTION",
      option: "payload",
      message: "invalid payload: expected at most 1048576 bytes, not 1048577",
    });
    const small = new Client({ ...options, maxPayloadBytes: 3 });
    await expect(small.enqueue(new Task("t", "four"))).rejects.toMatchObject({ code: "INVALID_OPTION", option: "payload" });
    expect(faults.requests).toEqual([]);

    expect(await small.enqueue(new Task("t", "thr"))).toMatchObject({ state: "pending" });
  });

  test("takes the largest payload whatever its bytes are", async ({ client, redis }) => {
    const payloads = [0x00, 0x1f, 0x22, 0x61, 0xff].map((byte) => new Uint8Array(1024 * 1024).fill(byte));

    const outcomes = await client.enqueueMany(
      payloads.map((payload, i) => ({ task: new Task("t", payload), options: { taskId: `${i}` } })),
    );

    expect(outcomes.map(({ error }) => error)).toEqual(payloads.map(() => undefined));
    for (const [i, payload] of payloads.entries())
      expect((await redis.hgetBuffer(`asynq:{default}:t:${i}`, "msg"))!.includes(Buffer.from(payload))).toBe(true);
  });

  test("says whether the task may have been written", async ({ client, options, faults }) => {
    faults.next({ status: 413 });
    await expect(client.enqueue(new Task("t"))).rejects.toMatchObject({ code: "REDIS", delivered: "no", status: 413 });

    const impatient = new Client({ ...options, maxTries: 1 });
    faults.next("drop-reply");
    const error: unknown = await impatient.enqueue(new Task("t")).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RedisError);
    expect(error).toMatchObject({ code: "REDIS", delivered: "unknown" });

    await expect(client.enqueue(new Task("t"), {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ delivered: "no" });
  });

  test("takes any number of calls at once", async ({ client, redis }) => {
    const infos = await Promise.all(Array.from({ length: 200 }, (_, i) => client.enqueue(new Task("t"), { taskId: `${i}` })));

    expect(infos.map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
    expect(await redis.llen("asynq:{default}:pending")).toBe(200);
  });
});

describe("calls of one turn", () => {
  /** A client whose requests are counted, with what each enqueues. */
  const counted = (redis: Parameters<typeof ioredisPort>[0]): { readonly client: Client; readonly requests: string[][] } => {
    const requests: string[][] = [];
    const port = ioredisPort(redis);
    const client = new Client({
      redis: {
        ...port,
        send(commands, options) {
          requests.push(
            commands
              .filter(([name]) => name === "EVALSHA")
              .flatMap((words) => words.filter((word) => /^t\d+$/.test(`${word}`)) as string[]),
          );
          return port.send(commands, options);
        },
      },
    });
    return { client, requests };
  };
  const task = (taskId: string): [Task, EnqueueOptions] => [new Task("t"), { taskId }];

  test("go in one request, in their order, each with its own answer; the next turn's in the next", async ({ redis }) => {
    const { client, requests } = counted(redis);
    await client.enqueue(new Task("t"), { taskId: "t2" });
    requests.length = 0;

    const calls = await Promise.allSettled([
      client.enqueue(...task("t1")),
      client.enqueue(...task("t2")),
      client.enqueue(new Task("t"), { taskId: "t3", queue: "" }),
      client.enqueueMany([new Task("t", undefined, { taskId: "t4" }), new Task("t", undefined, { taskId: "t1" })]),
      client.enqueue(...task("t5")),
    ]);
    await client.enqueue(...task("t6"));

    expect(requests).toEqual([["t1", "t2", "t4", "t1", "t5"], ["t6"]]);
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["t6", "t5", "t4", "t1", "t2"]);
    const told = calls.map((call) => {
      if (call.status === "rejected") return call.reason.code;
      return Array.isArray(call.value) ? call.value.map(({ info, error }) => info?.id ?? error!.code) : call.value.id;
    });
    expect(told).toEqual(["t1", "TASK_ID_CONFLICT", "INVALID_OPTION", ["t4", "TASK_ID_CONFLICT"], "t5"]);
  });

  test("keep their order beside one that has bounds of its own, which takes nobody along when it is given up", async ({ redis }) => {
    const { client, requests } = counted(redis);
    const { signal } = new AbortController();

    await Promise.all([
      client.enqueue(...task("t1")),
      client.enqueue(...task("t2"), { signal }),
      client.enqueue(...task("t3")),
      client.enqueue(...task("t4")),
    ]);
    const givenUp = client.enqueue(...task("t5"), { signal: AbortSignal.abort() });
    const others = Promise.all([client.enqueue(...task("t6")), client.enqueue(...task("t7"))]);

    await expect(givenUp).rejects.toMatchObject({ code: "REDIS", delivered: "no" });
    expect((await others).map(({ id }) => id)).toEqual(["t6", "t7"]);
    expect(requests.filter((request) => request.length > 0)).toEqual([["t1"], ["t2"], ["t3", "t4"], ["t5"], ["t6", "t7"]]);
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["t7", "t6", "t4", "t3", "t2", "t1"]);
  });

  test("do not wait for the many of another, and none of them comes twice", async ({ redis }) => {
    const { client, requests } = counted(redis);
    const many = Array.from({ length: 101 }, (_, i) => new Task("t", undefined, { taskId: `t${100 + i}` }));

    await Promise.all([client.enqueue(...task("t1")), client.enqueueMany(many), client.enqueue(...task("t2"))]);

    expect(requests.map((request) => request.length)).toEqual([1, 101, 1]);
    expect(await redis.llen("asynq:{default}:pending")).toBe(103);
  });
});

describe("enqueueMany", () => {
  test("answers each task for itself, in order, over queues", async ({ client, faults, keyspace }) => {
    await client.enqueue(new Task("t"), { queue: "warm" });
    const already = faults.requests.length;

    const outcomes = await client.enqueueMany([
      { task: new Task("t"), options: { taskId: "a", queue: "low" } },
      new Task("t", undefined, { taskId: "b" }),
      { task: new Task("t"), options: { taskId: "a", queue: "low" } },
      { task: new Task("t"), options: { retentionSec: -1 } },
      { task: new Task("u"), options: { taskId: "c", uniqueTtlSec: 60 } },
      { task: new Task("u"), options: { taskId: "d", uniqueTtlSec: 60 } },
      { task: new Task("t", new Uint8Array(2e6)) },
      new Task("t", undefined, { taskId: "e" }),
    ]);

    expect(outcomes.map(({ info, error }) => info?.id ?? error!.code)).toEqual([
      "a",
      "b",
      "TASK_ID_CONFLICT",
      "INVALID_OPTION",
      "c",
      "DUPLICATE_TASK",
      "INVALID_OPTION",
      "e",
    ]);
    expect(await keyspace()).toMatchObject({ "asynq:{low}:pending": ["a"], "asynq:{default}:pending": ["e", "c", "b"] });
    expect(faults.requests).toHaveLength(already + 1);
  });

  test("puts ten thousand tasks into one request", async ({ client, faults, redis }) => {
    await client.enqueue(new Task("t"));
    const already = faults.requests.length;

    const outcomes = await client.enqueueMany(Array.from({ length: 10_000 }, (_, i) => new Task("t", { i })));

    expect(outcomes.every(({ info }) => info?.state === "pending")).toBe(true);
    expect(await redis.llen("asynq:{default}:pending")).toBe(10_001);
    expect(faults.requests).toHaveLength(already + 1);
  });

  test("splits what no request may hold, and a request that fails leaves the others their answers", async ({ client, faults, redis }) => {
    await client.enqueue(new Task("t"), { queue: "warm" });
    const already = faults.requests.length;
    // Each of a byte that takes six in JSON, so each in a request of its own.
    const items = Array.from({ length: 4 }, (_, i) => ({ task: new Task("t", new Uint8Array(1024 * 1024)), options: { taskId: `${i}` } }));

    faults.next("pass", { status: 413 }, "drop-reply", "pass", "pass");
    const outcomes = await client.enqueueMany(items);

    expect(outcomes.map(({ info, error }) => info?.state ?? error)).toMatchObject([
      "pending",
      { code: "REDIS", delivered: "no", status: 413 },
      "pending",
      "pending",
    ]);
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["3", "2", "0"]);
    expect(await redis.smembers("asynq:queues")).toContain("default");
    const requests = faults.requests.slice(already);
    expect(requests).toHaveLength(5);
    for (const { body } of requests) expect(Buffer.byteLength(body)).toBeLessThan(8 * 1024 * 1024);
  });

  test("has the one error of the way for all when none was answered", async ({ client, faults }) => {
    faults.next({ status: 401 });
    const outcomes = await client.enqueueMany([new Task("t"), { task: new Task("t"), options: { queue: "" } }, new Task("t")]);
    expect(outcomes).toMatchObject([
      { error: { code: "REDIS", delivered: "no", status: 401 } },
      { error: { code: "INVALID_OPTION", option: "queue" } },
      { error: { code: "REDIS", delivered: "no", status: 401 } },
    ]);
  });

  test("tells what is no task apart from its neighbours, by a typed error", async ({ client, faults }) => {
    const notTasks = [undefined, null, "t", { type: "t" }, { task: undefined }, { task: { type: "t", options: {}, payload: "p" } }];
    const wrong = { code: "INVALID_OPTION", option: "task" };

    const outcomes = await client.enqueueMany([...notTasks, new Task("t")] as EnqueueItem[]);

    expect(outcomes.slice(0, -1).map(({ error }) => error)).toMatchObject(notTasks.map(() => wrong));
    expect(outcomes.at(-1)).toMatchObject({ info: { type: "t" } });
    const requests = faults.requests.length;
    await expect(client.enqueue(undefined as never)).rejects.toMatchObject(wrong);
    expect(faults.requests).toHaveLength(requests);
  });

  test("does nothing when given nothing", async ({ client, faults }) => {
    expect(await client.enqueueMany([])).toEqual([]);
    expect(faults.requests).toEqual([]);
  });
});

describe("the life of a Client", () => {
  test("begins without I/O and without chance", async ({ faults }) => {
    const never = (): never => {
      throw new Error("not while it is made");
    };
    const dead = { nowMs: never, monotonicMs: never, after: never };
    new Client({ url: faults.url, token, clock: dead, random: { float: never, bytes: never }, fetch: never });
    expect(faults.requests).toEqual([]);
  });

  test("does not begin with what cannot be used", () => {
    const wrong = (options: object): unknown => {
      try {
        return new Client(options as ClientOptions);
      } catch (error) {
        return error;
      }
    };
    for (const [options, option] of [
      [{}, "url"],
      [{ url: "redis://localhost", token }, "url"],
      [{ url: "https://example.com" }, "token"],
      [{ url: "https://example.com", token, maxPayloadBytes: -1 }, "maxPayloadBytes"],
      [{ url: "https://example.com", token, maxTries: 0 }, "maxTries"],
      [{ redis: undefined }, "redis"],
      [{ redis: null }, "redis"],
      [{ redis: {} }, "redis"],
      [{ redis: "https://example.com" }, "redis"],
    ] as const)
      expect(wrong(options)).toMatchObject({ code: "INVALID_OPTION", option });
  });

  test("pings", async ({ client, options, faults }) => {
    await client.ping();
    faults.next({ status: 401 });
    await expect(client.ping()).rejects.toMatchObject({ code: "REDIS", status: 401 });
    faults.next({ status: 200, body: '[{"error":"NOPERM this user has no permissions to run the ping command"}]' });
    await expect(new Client({ ...options }).ping()).rejects.toMatchObject({ code: "REDIS", reply: "NOPERM" });
  });

  test("ends for the client alone: a redis of the caller's stays open", async ({ client, gatewayUrl, redis }) => {
    const instance = new UpstashRedis({ url: gatewayUrl, token });
    const port = ioredisPort(redis);
    const closed = { code: "REDIS", delivered: "no" };
    for (const one of [client, new Client({ redis: instance }), new Client({ redis: port })]) {
      await one.ping();
      await one.close();
      await one.close();
      await expect(one.enqueue(new Task("t"))).rejects.toMatchObject(closed);
      await expect(one.ping()).rejects.toMatchObject(closed);
    }
    expect(await instance.ping()).toBe("PONG");
    expect(await makeBroker({ redis: port, clock: systemClock, random: systemRandom }).redis.send([["PING"]])).toHaveLength(1);
  });
});
