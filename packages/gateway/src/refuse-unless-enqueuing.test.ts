import {
  absentKey,
  type Broker,
  composeTask,
  type EnqueueOptions,
  enqueue,
  enqueueScript,
  makeBroker,
  settleScript,
  Task,
  type TaskMessage,
} from "@asynqjs/core";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { manualClock, readKeyspace, seededRandom } from "@asynqjs/core/testing";
import { encodeTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import type { TestAPI } from "vitest";
import { useOwnRedis } from "../../../test/support/redis-test.ts";
import { type Answer, expect, test as gatewayTest, send, token } from "../test/gateway-test.ts";
import { startGateway } from "./start.ts";

// It makes Redis forget every script.
useOwnRedis();

const enqueuer = "a-token-that-enqueues";

/** The words of one command. */
type Words = readonly string[];

interface Fixtures {
  readonly url: string;
  /** A broker that enqueues with the token, and the commands that it sent. */
  readonly broker: Broker;
  readonly sent: Words[];
  /** The EVALSHA that enqueues such a task, with nothing left behind in Redis. */
  readonly call: (options?: EnqueueOptions) => Promise<Words>;
  /** Sends a command with the token through each door of the gateway. */
  readonly attempt: (words: Words) => Promise<Answer[]>;
}

const test: TestAPI<Fixtures & { redis: Redis }> = gatewayTest.extend<Fixtures>({
  url: async ({ redisUrl }, use) => {
    const tokens = [token, { token: enqueuer, role: "enqueue", queues: ["mail", "mail:critical"] }] as const;
    const gateway = await startGateway({ redis: redisUrl, tokens, port: 0 });
    await use(gateway.url);
    await gateway.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  sent: async ({}, use) => use([]),
  broker: async ({ url, sent }, use) => {
    const recording: typeof fetch = (input, init) => {
      sent.push(...(JSON.parse(String(init?.body)) as Words[]));
      return fetch(input, init);
    };
    const redis = fetchRedis({ url, token: enqueuer, fetch: recording });
    await use(makeBroker({ redis, clock: manualClock(), random: seededRandom(1) }));
  },
  call: async ({ url, redis }, use) =>
    use(async (options = {}) => {
      let words: Words = [];
      const recording: typeof fetch = (input, init) => {
        words = (JSON.parse(String(init?.body)) as Words[]).find(([name]) => name === "EVALSHA") ?? words;
        return fetch(input, init);
      };
      const port = fetchRedis({ url, token, fetch: recording });
      const broker = makeBroker({ redis: port, clock: manualClock(), random: seededRandom(2) });
      await enqueue(broker, [aTask(broker, { queue: "mail", taskId: "t1", ...options })]);
      await redis.flushdb();
      return words;
    }),
  attempt: async ({ url }, use) =>
    use(async (words) => {
      const headers = { Authorization: `Bearer ${enqueuer}` };
      const path = `/${words.map(encodeURIComponent).join("/")}`;
      const posted = [
        await send(url, "/", JSON.stringify(words), headers),
        await send(url, "/pipeline", JSON.stringify([words]), headers),
        await send(url, "/multi-exec", JSON.stringify([["PING"], words]), headers),
      ];
      if (path.length > 8_000) return posted;
      const byPath = [...posted, await send(url, path, "", headers)];
      // An empty body is none, and a path without a word is none.
      if (words.length === 1 || words.at(-1) === "") return byPath;
      return [...byPath, await send(url, path.slice(0, path.lastIndexOf("/")), words.at(-1)!, headers)];
    }),
});

/** The same call as to a Redis that is no Cluster, with one key fewer. */
function withoutAbsent(words: Words): Words {
  expect([words[2], words[7]]).toEqual(["5", absentKey(/\{(.*)\}/.exec(words[4]!)![1]!)]);
  return [...words.slice(0, 2), "4", ...words.slice(3, 7), ...words.slice(8)];
}

/** The word of a message for the queue `mail`, forged as someone would who knows how. */
function message(changes: Partial<TaskMessage>): string {
  const { bytes } = encodeTaskMessage({
    type: "email:welcome",
    id: "t1",
    queue: "mail",
    retry: 25,
    retried: 0,
    timeoutSec: 1800,
    ...changes,
  });
  const text = Buffer.from(bytes).toString("latin1");
  return `${Buffer.byteLength(text)}:0:${text}`;
}

function aTask(broker: Broker, options: EnqueueOptions) {
  return composeTask(new Task("email:welcome", { to: "ö" }), options, broker);
}

/** Every door refused it. */
const refusedEverywhere = (answers: readonly Answer[]) =>
  answers.every(([status, body]) => {
    const { error } = (Array.isArray(body) ? body[0] : body) as { error?: string };
    return status === (Array.isArray(body) ? 200 : 400) && /(^|: )NOPERM this token only enqueues: /.test(error ?? "");
  });

test("whatever asynqjs enqueues in its queues passes: by text, by hash, repeated, and of any kind", async ({ broker, sent, redis }) => {
  const inAnHour = new Date(broker.clock.nowMs() + 3_600_000);
  const kinds: EnqueueOptions[] = [
    {},
    { taskId: "grüße 世界" },
    { processAt: inAnHour },
    { group: "g" },
    { group: "g", processAt: inAnHour },
    { uniqueTtlSec: 60, group: "h" },
    { headers: { a: "b" }, maxRetry: 0, retentionSec: 60, deadline: inAnHour },
  ];
  const anyBytes = Uint8Array.from({ length: 3_000 }, (_, i) => i);
  const tasks = [
    ...kinds.flatMap((options) => ["mail", "mail:critical"].map((queue) => aTask(broker, { ...options, queue }))),
    composeTask(new Task("bytes", anyBytes), { queue: "mail", uniqueTtlSec: 9 }, broker),
    ...Array.from({ length: 300 }, () => aTask(broker, { queue: "mail" })),
  ];

  for (const half of [tasks.slice(0, 200), tasks.slice(200)]) {
    expect(await enqueue(broker, half)).toEqual(half.map(() => ({ verdict: "enqueued" })));
  }

  // Other tests on this Redis load the script too, and make it forget it: whether it was sent by text is not ours to say.
  expect(new Set(sent.map(([name]) => name).filter((name) => name !== "EVAL"))).toEqual(new Set(["SADD", "EVALSHA"]));
  const [, , ...words] = sent.find(([name]) => name === "EVALSHA")!;
  const byText = await broker.redis.send([["EVAL", enqueueScript.text("json", false), ...words]]);
  expect(byText.map(({ error }) => error)).toEqual([undefined]);
  expect(await redis.smembers("asynq:queues")).toHaveLength(2);
  expect(await redis.llen("asynq:{mail}:pending")).toBe(300 + 4);
  expect(await enqueue(broker, tasks.slice(0, 1))).toEqual([{ verdict: "task-id-conflict" }]);
});

test("what is right passes through every door, and every wrong word is refused at every door, with nothing written", async ({
  call,
  attempt,
  redis,
}) => {
  const asSent = await call();
  const plain = withoutAbsent(asSent);
  const [, sha, , record, pending, scheduled, groups, seq, window, prefix, nowSec, nowNs, id, msg, , , , ,] = plain as string[];
  expect([plain[2], pending, prefix, id]).toEqual(["4", "asynq:{mail}:pending", "asynq:{mail}:", "t1"]);
  const unique = withoutAbsent(await call({ uniqueTtlSec: 60 }));
  const grouped = withoutAbsent(await call({ group: "g" }));
  const later = withoutAbsent(await call({ processAt: new Date(Date.UTC(2040, 0, 1)) }));
  const elsewhere = withoutAbsent(await call({ queue: "other" }));
  const otherLock = withoutAbsent(await call({ queue: "other", uniqueTtlSec: 60 }));
  const otherQueueOfOurs = withoutAbsent(await call({ queue: "mail:critical" }));
  const at = (words: Words, changes: Readonly<Record<number, string>>) => words.map((word, i) => changes[i] ?? word);
  const lock = unique[16]!;
  expect([lock.startsWith("asynq:{mail}:unique:"), unique[17], grouped[15], later[14]]).toEqual([true, "60", "g", "2208988800"]);

  const setOfGroup = `g:${crypto.randomUUID()}`;
  // What the message says is what the test says: nothing but the checked word is wrong.
  expect((await attempt(at(plain, { 13: message({}) })))[0]).toEqual([200, { result: "e" }]);
  expect((await attempt(at(grouped, { 13: message({ groupKey: "g" }) })))[0]).toEqual([200, { result: "e" }]);
  await redis.flushdb();

  const wrong: Readonly<Record<string, Words>> = {
    "another queue altogether": elsewhere,
    "a hash in capitals": at(plain, { 1: sha!.toUpperCase() }),
    "the hash of another script": at(plain, { 1: "0".repeat(40) }),
    "another script of asynqjs by its text": ["EVAL", settleScript.text("json", false), ...plain.slice(2)],
    "the text and something more": ["EVAL", `${enqueueScript.text("json", false)} `, ...plain.slice(2)],
    "a script of its own": ["EVAL", "return redis.call('FLUSHALL')", "0"],
    "the hash as the text": ["EVAL", ...plain.slice(1)],
    "the text as the hash": ["EVALSHA", enqueueScript.text("json", false), ...plain.slice(2)],
    "a reading variant": ["EVALSHA_RO", ...plain.slice(1)],
    "fewer keys": at(plain, { 2: "3" }),
    "more keys": at(plain, { 2: "5" }),
    "a number of keys in another form": at(plain, { 2: "04" }),
    "a number of keys with a sign": at(plain, { 2: "+4" }),
    "a fifth key of another queue": at(asSent, { 7: "asynq:{other}:js:absent" }),
    "a fifth key that may be there": at(asSent, { 7: pending! }),
    "five keys of which one is no key": at(plain, { 2: "5", 7: asSent[7]! }),
    "six keys": [...asSent.slice(0, 2), "6", ...asSent.slice(3, 8), asSent[7]!, ...asSent.slice(8)],
    "no keys": at(plain, { 2: "0" }),
    "a key more": [...plain.slice(0, 2), "5", ...plain.slice(3, 7), "asynq:{other}:pending", ...plain.slice(7)],
    "nothing but a hash": plain.slice(0, 2),
    "a number of keys and no keys": plain.slice(0, 3),
    "the call record of another queue": at(plain, { 3: record!.replace("{mail}", "{other}") }),
    "a call record that is a task": at(plain, { 3: "asynq:{mail}:t:1" }),
    "a call record behind two tags": at(plain, { 3: record!.replace("asynq:", "asynq:{other}:") }),
    "a call record with more behind it": at(plain, { 3: `${record}:x` }),
    "a call record with a line before it": at(plain, { 3: `\n${record}` }),
    "a call record with a line behind it": at(plain, { 3: `${record}\n` }),
    "a call record of a queue that begins like its own": at(plain, { 3: record!.replace("{mail}", "{mail:}") }),
    "the list of another queue": at(plain, { 4: "asynq:{other}:pending" }),
    "the list of another queue of its own": at(plain, { 4: otherQueueOfOurs[4]! }),
    "another list of the queue": at(plain, { 4: "asynq:{mail}:active" }),
    "the scheduled set of another queue": at(plain, { 5: "asynq:{other}:scheduled" }),
    "the groups of another queue": at(plain, { 6: "asynq:{other}:groups" }),
    "keys in another order": at(plain, { 4: scheduled!, 5: pending! }),
    "the groups for the list": at(plain, { 4: groups! }),
    "a sequence that is no number": at(plain, { 7: `${seq}x` }),
    "a sequence that is a fraction": at(plain, { 7: "1.5" }),
    "an empty sequence": at(plain, { 7: "" }),
    "a replay window of a year": at(plain, { 8: "31536000" }),
    "a replay window in another form": at(plain, { 8: `${window}.0` }),
    "the prefix of another queue": at(plain, { 9: "asynq:{other}:" }),
    "the prefix of another queue of its own": at(plain, { 9: "asynq:{mail:critical}:" }),
    "a longer prefix": at(plain, { 9: `${prefix}t:` }),
    "an empty prefix": at(plain, { 9: "" }),
    "a time that is none": at(plain, { 10: "inf" }),
    "a negative time": at(plain, { 10: `-${nowSec}` }),
    "nanoseconds that are none": at(plain, { 11: `${nowNs}e3` }),
    "an id that is not the message's": at(plain, { 12: "t2" }),
    "an empty id": at(plain, { 12: "" }),
    "an id with a tag": at(plain, { 12: "{other}" }),
    "an id with a line break": at(plain, { 12: "t1\n" }),
    "a message of another queue": at(plain, { 13: elsewhere[13]! }),
    "a message of another queue of its own": at(plain, { 13: otherQueueOfOurs[13]! }),
    "a message that is none": at(plain, { 13: "0:5:hello" }),
    "a message that is not packed": at(plain, { 13: "hello" }),
    "an empty message": at(plain, { 13: "0:0:" }),
    "a message with a part that does not end": at(plain, { 13: msg!.replace(/^\d+/, "999999") }),
    "a message that says more than the call of its lock": at(plain, { 13: unique[13]! }),
    "a message that says less than the call of its lock": at(unique, { 13: plain[13]! }),
    "a message that names the lock of another queue": at(unique, { 13: otherLock[13]!, 16: otherLock[16]! }),
    "the lock of another queue": at(unique, { 16: lock.replace("{mail}", "{other}") }),
    "a lock that is no lock": at(unique, { 16: "asynq:{mail}:pending" }),
    "a lock that holds for ever": at(unique, { 17: "" }),
    "a lock that holds for nothing": at(unique, { 17: "0" }),
    "a lock that holds for longer than Redis counts": at(unique, { 17: "9".repeat(18) }),
    "a time to hold no lock": at(plain, { 17: "60" }),
    "a group that is not the message's": at(grouped, { 15: "h" }),
    "a group with a tag": at(grouped, { 15: "{other}" }),
    "a group that the message does not have": at(plain, { 15: "g" }),
    "no group where the message has one": at(grouped, { 15: "" }),
    "a due time that is none": at(later, { 14: "soon" }),
    "an id with a tag that the message has too": at(plain, { 12: "{other}", 13: message({ id: "{other}" }) }),
    "a group with a tag that the message has too": at(grouped, { 13: message({ groupKey: "{other}" }), 15: "{other}" }),
    "a group that would be taken for an aggregation set": at(grouped, { 13: message({ groupKey: setOfGroup }), 15: setOfGroup }),
    "such a group for later": at(later, { 13: message({ groupKey: setOfGroup }) }),
    "the lock of another queue that the message has too": at(unique, { 13: message({ uniqueKey: otherLock[16]! }), 16: otherLock[16]! }),
    "a key that is no lock and that the message has too": at(unique, { 13: message({ uniqueKey: pending! }), 16: pending! }),
    "an argument more": [...plain, ""],
    "an argument less": plain.slice(0, -1),
    "no task": plain.slice(0, 12),
    "a second task of another queue": [...plain, ...elsewhere.slice(12)],
    "more tasks than a call holds": [...plain.slice(0, 12), ...Array.from({ length: 1001 }, () => plain.slice(12)).flat()],
  };

  await redis.set("asynq:{other}:t:there", "1");
  const before = await readKeyspace(ioredisPort(redis));
  for (const [what, words] of Object.entries(wrong)) {
    expect([what, refusedEverywhere(await attempt(words))]).toEqual([what, true]);
  }
  expect(await readKeyspace(ioredisPort(redis))).toEqual(before);

  for (const right of [asSent, plain, unique, grouped, later]) {
    const answers = (await attempt(right)).slice(0, 4);
    await redis.flushdb();
    // One call through four doors: it is carried out once, and answered as the first time.
    expect(answers).toEqual([
      [200, { result: "e" }],
      [200, [{ result: "e" }]],
      [200, [{ result: "PONG" }, { result: "e" }]],
      [200, { result: "e" }],
    ]);
  }
});

test("PING and the names of its queues are all it may say beside", async ({ attempt, redis }) => {
  expect((await attempt(["PING"]))[0]).toEqual([200, { result: "PONG" }]);
  expect((await attempt(["sadd", "asynq:queues", "mail"]))[0]).toEqual([200, { result: 1 }]);
  const before = await readKeyspace(ioredisPort(redis));

  for (const command of [
    ...["PING x", "SADD asynq:queues other", "SADD asynq:queues mail other", "SADD asynq:queues", "SADD asynq:other mail"],
    ...["SREM asynq:queues mail", "SMEMBERS asynq:queues", "GET asynq:{mail}:t:1", "KEYS *", "SCAN 0", "INFO", "TIME", "FLUSHALL"],
    ...[
      "SCRIPT FLUSH",
      "SCRIPT LOAD x",
      "SCRIPT EXISTS x",
      "FUNCTION LIST",
      "FCALL f 0",
      "PUBLISH asynq:cancel x",
      "LPUSH asynq:{mail}:pending x",
    ],
    ...["ACL WHOAMI", "CONFIG GET *", "MULTI", "AUTH x", "SELECT 1", "MONITOR", "SUBSCRIBE x", "COMMAND", "EVAL", "EVALSHA"],
  ]) {
    expect([command, refusedEverywhere(await attempt(command.split(" ")))]).toEqual([command, true]);
  }
  expect(await readKeyspace(ioredisPort(redis))).toEqual(before);
});

test("arguments that are bytes are refused, whatever they would be", async ({ url, redis }) => {
  const path = "/sadd/asynq%3Aqueues/";
  const headers = { Authorization: `Bearer ${enqueuer}` };
  for (const name of ["mail%FF", "%FF"]) {
    const response = await fetch(url + path + name, { method: "POST", headers });
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: "NOPERM this token only enqueues: arguments that are no text is not allowed" },
    ]);
  }
  const body = await fetch(url + path.slice(0, -1), { method: "POST", headers, body: "mail" });
  expect(body.status).toBe(400);
  await body.body?.cancel();
  expect(await redis.dbsize()).toBe(0);
});

test("it opens no stream", async ({ url }) => {
  for (const path of ["/subscribe/a", "/psubscribe/*"]) {
    expect(await send(url, path, "", { Authorization: `Bearer ${enqueuer}` })).toEqual([403, { error: "NOPERM this token only enqueues" }]);
  }
});
