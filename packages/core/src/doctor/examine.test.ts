import { describe, inject } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { enqueue } from "../broker/enqueue.ts";
import { type Broker, makeBroker } from "../broker.ts";
import { RedisError, RedisVersionError } from "../errors.ts";
import type { RedisPort, Reply } from "../redis.ts";
import { seededRandom } from "../testing/manual-clock.ts";
import { examine } from "./examine.ts";
import { sayExamination } from "./say-examination.ts";

const port = inject("brokerPort");

/** Redis' clock is that of the test, and pauses are over at once. */
function atTestTime({ redis, clock, random }: Broker, afterSec = 0): Broker {
  const time: Reply = [new TextEncoder().encode(String(startSec + afterSec)), new TextEncoder().encode("0")];
  const told: RedisPort = {
    ...redis,
    async send(commands, options) {
      const results = await redis.send(commands, options);
      return results.map((result, i) => (commands[i]![0] === "TIME" ? { reply: time } : result));
    },
  };
  const nowMs = (): number => (startSec + afterSec) * 1000;
  const after = (_: number, then: () => void): (() => void) => {
    queueMicrotask(then);
    return () => {};
  };
  return makeBroker({ redis: told, clock: { ...clock, nowMs, monotonicMs: clock.monotonicMs, after }, random });
}

describe("examine", () => {
  test("sees what is wrong on every way to Redis, and writes nothing", async ({ broker, aTask, keyspace, redis }) => {
    await enqueue(broker, [aTask({ taskId: "a" }), aTask({ taskId: "b", queue: "other", processInSec: 10 })]);
    await redis.zadd("asynq:{other}:scheduled", startSec + 10, "b");
    const before = await keyspace();

    const { diagnoses, worst, looked } = await examine(atTestTime(broker, 600), { invariants: true });

    const told = diagnoses.flatMap(({ code, subject, severity }) => (severity === "error" ? `${code} ${subject.name}` : []));
    expect(told.sort()).toEqual(["forward-late other", "no-server default"]);
    expect(worst).toBe("error");
    expect(looked).toMatchObject({ queues: 2, ofQueues: 2, invariants: true });
    expect(await keyspace()).toEqual(before);
  });

  test("looks at the queues it is told, or draws some of many, and says so", async ({ broker, aTask }) => {
    await enqueue(
      broker,
      Array.from({ length: 30 }, (_, i) => aTask({ taskId: "a", queue: `q${i}` })),
    );

    const one = await examine(atTestTime(broker, 600), { queues: ["q7"], invariants: false });
    expect(one.diagnoses.filter(({ code }) => code === "no-server").map(({ subject }) => subject.name)).toEqual(["q7"]);
    const some = await examine(atTestTime(broker, 600), { maxQueues: 20, invariants: false });
    expect(some.looked).toMatchObject({ queues: 20, ofQueues: 30, invariants: false });
    expect(some.diagnoses.filter(({ code }) => code === "no-server")).toHaveLength(10);
    expect(some.more).toEqual({ "no-server": 10 });
    expect(sayExamination(some)).toMatch(/^looked at 20 of 30 queues, 0 servers\n.*and 10 more of no-server\n$/s);
  });

  test("does not look through a large keyspace unless asked to, and says so", async ({ broker, redis, aTask }) => {
    await enqueue(broker, [aTask({ taskId: "a" })]);
    for (let at = 0; at < 21; at++)
      await redis.eval(`for i = 1, 1000 do redis.call("SET", KEYS[1] .. i, "") end`, 1, `{default}:of-something-else:${at}:`);

    const left = await examine(atTestTime(broker));
    const keys = left.diagnoses.find(({ what }) => what === "not known: whether the invariants hold");
    // On a Cluster one node is asked how much it holds.
    if (port !== "cluster") expect(keys?.evidence).toMatch(/^2100\d keys are more/);
    const asked = await examine(atTestTime(broker), { invariants: true });
    expect(asked.looked.invariants).toBe(true);
  });

  test("ignores what is known and meant so", async ({ broker, seedPending }) => {
    await seedPending("a");

    const { diagnoses } = await examine(atTestTime(broker, 600), { ignore: ["no-server"] });
    expect(diagnoses.map(({ code }) => code)).not.toContain("no-server");
  });
});

describe("of a Redis that says nothing else", () => {
  const refusing = (error: Error, { clock }: Broker): Broker =>
    makeBroker({
      redis: { features: () => Promise.reject(error), send: () => Promise.reject(error), close: async () => {} },
      clock,
      random: seededRandom(1),
    });

  test.each([
    [new RedisVersionError("5.0.14"), "redis-too-old"],
    [
      new RedisError("redis refused: LOADING Redis is loading the dataset in memory", { delivered: "no", reply: "LOADING" }),
      "redis-loading",
    ],
    [new RedisError("redis refused: NOPERM", { delivered: "no", reply: "NOPERM" }), "acl-refused"],
  ] as const)("%s is what is told", async (error, code) => {
    expect((await examine(refusing(error, {} as Broker))).diagnoses).toMatchObject([{ code, severity: "error" }]);
  });

  test("one that cannot be reached is an error", async () => {
    const error = new RedisError("redis: not reachable", { delivered: "no" });
    await expect(examine(refusing(error, {} as Broker))).rejects.toBe(error);
    await expect(examine(refusing(error, {} as Broker), { maxQueues: 0 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

test("a finding is said in three lines, with its remedy last", () => {
  const subject = { kind: "queue", name: 'a "b"' } as const;
  const diagnosis = {
    code: "no-server",
    severity: "error",
    subject,
    what: "nothing runs",
    evidence: "3 tasks",
    remedy: "start one",
  } as const;
  const looked = { queues: 1, ofQueues: 1, servers: 0, invariants: true };
  expect(sayExamination({ worst: "error", diagnoses: [diagnosis], more: {}, looked }, (_, text) => text.toUpperCase())).toBe(
    'looked at 1 queue, 0 servers, and for the invariants\n\nERROR no-server (queue "a \\"b\\""): nothing runs\n  seen: 3 tasks\n  do:   start one\n',
  );
  expect(sayExamination({ worst: undefined, diagnoses: [], more: {}, looked })).toContain("nothing is wrong");
});
