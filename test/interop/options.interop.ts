/**
 * A thousand generated sets of options, each stored by our client and by Go's, in databases of their own: Go reads the same in both, so do
 * we, and Redis holds the same. Go says what is meant; nothing of it is worked out here.
 */
import { Client, type EnqueueOptions, Task } from "@asynqjs/client-edge";
import { systemClock } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { readKeyspace } from "@asynqjs/core/testing";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import fc from "fast-check";
import { Redis } from "ioredis";
import { GoPeer, type GoTaskInfo } from "./go-peer.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";

const count = 1000;
const nowSec = Math.floor(Date.now() / 1000);

/** Seconds, whole and cut to milliseconds. */
const seconds = (min: number, max: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min, max }),
    fc.integer({ min: min * 1000, max: max * 1000 }).map((ms) => ms / 1000),
  );
const later = (min: number, max: number): fc.Arbitrary<Date> => seconds(nowSec + min, nowSec + max).map((sec) => new Date(sec * 1000));
/** No second that may pass between the two stores. */
const due = fc.oneof(later(3600, 10 ** 8), later(-(10 ** 8), -10));
const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ minLength: 1, maxLength, unit: "grapheme" });
const name = text(40).filter((value) => value.trim() !== "" && !/[{}\p{Cc}]/u.test(value));

const optionSets = (withHeaders: boolean): fc.Arbitrary<EnqueueOptions> =>
  fc
    .record(
      {
        queue: fc.oneof(fc.constantFrom("default", "low", "a:b c", "ünïcode"), name),
        maxRetry: fc.integer({ min: -5, max: 2 ** 31 - 1 }),
        timeoutSec: seconds(-10, 10 ** 6),
        deadline: fc.oneof(later(-(10 ** 8), 10 ** 9), fc.constant(new Date(0)), fc.constant(new Date(999))),
        uniqueTtlSec: seconds(60, 10 ** 6),
        processAt: due,
        processInSec: fc.oneof(seconds(3600, 10 ** 6), seconds(-(10 ** 6), 0)),
        retentionSec: seconds(0, 10 ** 6),
        group: name,
        ...(withHeaders ? { headers: fc.dictionary(text(20), fc.string({ unit: "grapheme" }), { maxKeys: 4 }) } : {}),
      },
      { requiredKeys: [] },
    )
    .map((options) => (options.processAt === undefined ? options : { ...options, processInSec: undefined }));

const payloads = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined });
const types = text(60).filter((value) => value.trim() !== "");

onGo(goVersions, (test, file) => {
  test(`${count} option sets mean the same to Go and to us, whoever stored them`, async ({ redis, redisUrl, go, goVersion }) => {
    const theirUrl = new URL(redisUrl);
    theirUrl.pathname = `/${Number(theirUrl.pathname.slice(1)) + 64}`;
    await using theirs = await emptyDatabase(theirUrl.href);
    const goThere = new GoPeer(file, theirUrl.href);
    const sets = fc.sample(fc.tuple(types, payloads, optionSets(goVersion === "v0.26.0")), { numRuns: count, seed: 2026 });
    // The type makes each unique lock one of its own.
    const tasks = sets.map(([type, payload, options], i) => ({ type: `${i}${type}`, payload, options: { ...options, taskId: `id${i}` } }));

    const client = new Client({ redis: ioredisPort(redis), clock: systemClock });
    const outcomes = await client.enqueueMany(tasks.map(({ type, payload, options }) => new Task(type, payload, options)));
    expect(outcomes.map(({ error }) => error).filter((error) => error !== undefined)).toEqual([]);
    const enqueued = await goThere.enqueue(...tasks);
    expect(enqueued.map(({ error }) => error).filter((error) => error !== undefined)).toEqual([]);

    for (const { options } of tasks) {
      expect(steady(await go.task(options.taskId, options.queue))).toEqual(steady(await goThere.task(options.taskId, options.queue)));
      const key = `asynq:{${options.queue ?? "default"}}:t:${options.taskId}`;
      const [ofUs, ofGo] = await Promise.all([redis.hgetBuffer(key, "msg"), theirs.redis.hgetBuffer(key, "msg")]);
      expect(decodeTaskMessage(ofUs!, "ours")).toEqual(decodeTaskMessage(ofGo!, "Go's"));
      // Go writes a map in any order.
      if (Object.keys(options.headers ?? {}).length < 2) expect(ofUs!.toString("hex")).toBe(ofGo!.toString("hex"));
    }
    const [ours, gos] = [await readLayout(redis), await readLayout(theirs.redis)];
    expect(ours.shape).toEqual(gos.shape);
    for (const [what, sec] of ours.times) expect(Math.abs(sec - gos.times.get(what)!), what).toBeLessThan(30);
    await goThere.end();
  });
});

/** Without what depends on the second in which it was stored or is asked for: the due time of what is relative or due at once. */
function steady({ nextProcessAtSec, ...info }: GoTaskInfo): object {
  return { ...info, isDueLater: nextProcessAtSec > nowSec + 1800 };
}

interface Layout {
  /** Every key with its members or hash fields; without the messages, which were compared, and what `docs/extensions.md` says we add. */
  readonly shape: Readonly<Record<string, unknown>>;
  /** Scores, times to live and `pending_since`, seconds: the two stores are some apart. */
  readonly times: ReadonlyMap<string, number>;
}

async function readLayout(redis: Redis): Promise<Layout> {
  const shape: Record<string, unknown> = {};
  const times = new Map<string, number>();
  for (const [key, value] of Object.entries(await readKeyspace(ioredisPort(redis)))) {
    // A name is told in one character a byte.
    times.set(`ttl of ${key}`, await redis.ttl(Buffer.from(key, "latin1")));
    if (typeof value === "string" || Array.isArray(value)) shape[key] = value;
    else if (key.includes(":t:")) shape[key] = readFields(key, value as Record<string, string>, times);
    else {
      shape[key] = Object.keys(value).sort();
      for (const [member, score] of Object.entries(value)) times.set(`score of ${member} in ${key}`, Number(score));
    }
  }
  return { shape, times };
}

function readFields(key: string, hash: Readonly<Record<string, string>>, times: Map<string, number>): Record<string, string> {
  const { msg: _, pending_since: sinceNs, ...rest }: Record<string, string> = hash;
  if (sinceNs !== undefined) times.set(`pending_since of ${key}`, Number(sinceNs) / 1e9);
  // The lock of a task in a group: Go forgets to note it.
  if (rest.state === "aggregating") delete rest.unique_key;
  return rest;
}

async function emptyDatabase(url: string): Promise<AsyncDisposable & { readonly redis: Redis }> {
  const redis = new Redis(url, { protocol: 2 });
  await redis.flushdb();
  return {
    redis,
    async [Symbol.asyncDispose]() {
      await redis.flushdb();
      await redis.quit();
    },
  };
}
