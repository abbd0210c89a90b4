import { Task } from "@asynqjs/client-edge";
import {
  aggregate,
  aggregationCheck,
  type Broker,
  composeTask,
  extendAggregationSet,
  type GroupAggregator,
  janitor,
  recover,
  repair,
  replaceAggregationSet,
} from "@asynqjs/core";
import type { Redis } from "ioredis";
import { expect, goVersions, onGo, type Worker } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const queues = ["default"];
const sets = "asynq:{default}:aggregation_sets";
const policy = { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 0 };

/** Ours, of the shape of Go's: one task whose payload is the JSON list of theirs. */
const join: GroupAggregator = (_, tasks) =>
  new Task(
    "digest",
    tasks.map((task) => task.text()),
  );

function aggregateAll(broker: Broker): ReturnType<typeof aggregate> {
  return aggregate(broker, { queues, aggregator: join, gracePeriodSec: 60 });
}

/** What the aggregated tasks of a type that a worker ran so far are made of, a list for each. */
function runsOf({ lines }: Worker, type: "aggregated" | "digest"): string[][] {
  return lines.flatMap((line) => (line.event === "run" && line.type === type ? [partsOf(Buffer.from(line.payload!, "base64"))] : []));
}

function partsOf(payload: Uint8Array): string[] {
  return (JSON.parse(Buffer.from(payload).toString()) as string[]).sort();
}

/** The ids that wait in a group or a set. */
function idsOf(redis: Redis, key: string): Promise<string[]> {
  return redis.zrange(key, "0", "-1");
}

onGo(goVersions, (test) => {
  test("Go's aggregator makes one task of what both clients put into a group", async ({ client, go, startGoWorker }) => {
    await client.enqueue(new Task("part", "a"), { group: "g" });
    await go.enqueue({ type: "part", payload: Buffer.from("b"), options: { group: "g" } });
    expect(await go.groups()).toEqual([{ Group: "g", Size: 2 }]);

    const worker = await startGoWorker({ aggregate: true });

    await expect.poll(() => runsOf(worker, "aggregated")).toEqual([["a", "b"]]);
    expect(await go.groups()).toEqual([]);
  });

  test("so does ours, and a Go worker runs it", async ({ redis, client, go, startGoWorker }) => {
    await client.enqueue(new Task("part", "a"), { group: "g" });
    await go.enqueue({ type: "part", payload: Buffer.from("b"), options: { group: "g" } });

    expect(await aggregateAll(ourBroker(redis, -61).broker)).toMatchObject({ sets: 1, aggregated: 2, errors: [] });

    expect(await go.groups()).toEqual([]);
    expect(await go.queueInfo()).toMatchObject({ Size: 1, Pending: 1, Aggregating: 0 });
    const worker = await startGoWorker();
    await expect.poll(() => runsOf(worker, "digest")).toEqual([["a", "b"]]);
  });

  test("both aggregators on the same groups, both clients filling them: no task is lost and none is in two", async ({
    redis,
    client,
    go,
    startGoWorker,
    startServer,
  }) => {
    const ours: { readonly type: string; readonly parts: string[] }[] = [];
    const policyMs = { groupGracePeriodMs: 1_000, groupMaxDelayMs: 1_000, groupMaxSize: 3 };
    await startServer(async (task) => void ours.push({ type: task.type, parts: partsOf(task.payload) }), {
      ...policyMs,
      groupAggregator: join,
    });
    const worker = await startGoWorker({ aggregate: true, groupMaxSize: 3 });
    const made = (type: "aggregated" | "digest"): string[][] => [
      ...ours.filter((run) => run.type === type).map(({ parts }) => parts),
      ...runsOf(worker, type),
    ];

    const groups = ["g", "h:i", "ünïcode"];
    const enqueued: string[] = [];
    // Until each has made some: of Go's clock a second for each look at the groups.
    for (let wave = 0; made("aggregated").length < 6 || made("digest").length < 6; wave++) {
      const parts = groups.map((group) => ({ group, fromOurs: `${group} ours ${wave}`, fromGo: `${group} Go's ${wave}` }));
      await client.enqueueMany(parts.map(({ group, fromOurs }) => ({ task: new Task("part", fromOurs), options: { group } })));
      await go.enqueue(...parts.map(({ group, fromGo }) => ({ type: "part", payload: Buffer.from(fromGo), options: { group } })));
      enqueued.push(...parts.flatMap(({ fromOurs, fromGo }) => [fromOurs, fromGo]));
    }

    const ran = (): string[] => [...made("aggregated"), ...made("digest")].flat();
    await expect.poll(() => ran().length).toBeGreaterThanOrEqual(enqueued.length);
    await expect.poll(() => redis.keys("asynq:{default}:t:*")).toEqual([]);
    expect(ran().sort()).toEqual(enqueued.sort());
    expect(await redis.exists(sets, "asynq:{default}:js:aggregated", ...groups.map((group) => `asynq:{default}:g:${group}`))).toBe(0);
  });

  test("a stale set of ours Go's recoverer gives back, one that is extended it leaves alone; the group's name it leaves to our repair, then Go's aggregator takes it", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    const past = ourBroker(redis, 600);
    for (const id of ["a", "b"]) await past.enqueue(new Task("part", id), { taskId: id, group: "g" });
    await past.enqueue(new Task("part", "c"), { taskId: "c", group: "held" });
    await past.clock.advance(60_000);
    // Two aggregators of ours, of which one was killed with the set in its hands.
    const [, held] = await aggregationCheck(past.broker, "default", ["g", "held"], policy);
    expect(await extendAggregationSet(past.broker, held!.set!, Math.floor(Date.now() / 1000) + 60)).toBe("extended");
    expect(await idsOf(redis, "asynq:{default}:g:g")).toEqual([]);

    const worker = await startGoWorker({ aggregate: true });

    await expect.poll(() => idsOf(redis, "asynq:{default}:g:g")).toEqual(["a", "b"]);
    expect(await idsOf(redis, sets)).toEqual([`asynq:{default}:g:held:${held!.set!.setId}`]);
    expect(await go.groups()).toEqual([]);
    expect(await repair(past.broker, { queues })).toMatchObject({ errors: [] });
    expect(await go.groups()).toEqual([{ Group: "g", Size: 2 }]);
    await expect.poll(() => runsOf(worker, "aggregated")).toEqual([["a", "b"]]);
  });

  test("a set in the hands of a Go aggregator that was killed: ours leaves it alone until it is stale, then makes its task", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    const past = ourBroker(redis, 600);
    for (const id of ["a", "b"]) await past.enqueue(new Task("part", id), { taskId: id, group: "hang" });
    const killed = await startGoWorker({ aggregate: true });
    await expect.poll(() => redis.zcard(sets)).toBe(1);
    await killed.end("SIGKILL");
    const [set] = await idsOf(redis, sets);
    expect(await idsOf(redis, set!)).toEqual(["a", "b"]);

    await recover(ourBroker(redis, -60).broker, { queues });
    expect(await idsOf(redis, set!)).toEqual(["a", "b"]);
    const later = ourBroker(redis, -180);
    await recover(later.broker, { queues });
    expect(await go.groups()).toEqual([{ Group: "hang", Size: 2 }]);
    expect(await aggregateAll(later.broker)).toMatchObject({ sets: 1, aggregated: 2, errors: [] });

    const worker = await startGoWorker();
    await expect.poll(() => runsOf(worker, "digest")).toEqual([["a", "b"]]);
    await expect.poll(() => redis.keys("asynq:{default}:t:*")).toEqual([]);
  });

  test("a task of a group that is gone: ours leaves it out, Go's aggregator is given an empty one; an unreadable one keeps Go's whole set back", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    const fill = async (): Promise<void> => {
      const past = ourBroker(redis, 600);
      for (const group of ["gone", "unreadable"])
        for (const nth of [1, 2]) await past.enqueue(new Task("part", `${group} ${nth}`), { taskId: `${group} ${nth}`, group });
      await redis.del("asynq:{default}:t:gone 1");
      await redis.hset("asynq:{default}:t:unreadable 1", "msg", Buffer.from([0xff]));
    };
    await fill();
    expect(await aggregateAll(ourBroker(redis).broker)).toMatchObject({ sets: 2, aggregated: 2, dangling: 1, quarantined: 1, errors: [] });
    await go.act("delete", { id: "unreadable 1" });
    await fill();

    const worker = await startGoWorker({ aggregate: true });

    await expect.poll(() => runsOf(worker, "aggregated")).toEqual([["", "gone 2"]]);
    expect(runsOf(worker, "digest").sort()).toEqual([["gone 2"], ["unreadable 2"]]);
    await expect.poll(() => idsOf(redis, sets)).toEqual([expect.stringMatching(/^asynq:\{default\}:g:unreadable:/)]);
  });

  test("the lock of a grouped task: ours gives it back with the aggregated task, Go's leaves it to its time to live", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    const again = { type: "part", payload: Buffer.from("a"), options: { group: "g", uniqueTtlSec: 3600 } };
    await ourBroker(redis, 600).enqueue(new Task("part", "a"), again.options);
    expect(await go.enqueue(again)).toEqual([{ error: "task already exists" }]);
    await aggregateAll(ourBroker(redis).broker);
    expect((await go.enqueue(again))[0]!.error).toBeUndefined();

    const worker = await startGoWorker({ aggregate: true });

    await expect.poll(() => runsOf(worker, "aggregated")).toEqual([["a"]]);
    expect(await go.enqueue(again)).toEqual([{ error: "task already exists" }]);
  });

  test("aggregated sets: what a large one leaves behind Go shows as aggregating, and nobody takes, until our janitor has deleted it", async ({
    redis,
    client,
    go,
    startGoWorker,
  }) => {
    const size = 1_100;
    await client.enqueueMany(
      Array.from({ length: size }, (_, i) => ({ task: new Task("part", "a"), options: { taskId: `a${i}`, group: "g" } })),
    );
    const later = ourBroker(redis, -600);
    const [checked] = await aggregationCheck(later.broker, "default", ["g"], policy);
    // Our aggregator was killed between the first step and the next.
    const replaced = await replaceAggregationSet(later.broker, checked!.set!, composeTask(new Task("digest", ["all"]), {}, later.broker));
    expect(replaced.value).toMatchObject({ verdict: "replaced", more: true });
    const [left] = (await redis.keys("asynq:{default}:t:a*")).map((key) => key.slice("asynq:{default}:t:".length));
    expect(await go.task(left!)).toMatchObject({ state: "aggregating" });
    expect(await go.groups()).toEqual([]);

    const worker = await startGoWorker({ aggregate: true });
    await expect.poll(() => runsOf(worker, "digest")).toEqual([["all"]]);
    expect(await go.task(left!)).toMatchObject({ state: "aggregating" });

    expect(await janitor(later.broker, { queues })).toMatchObject({ aggregatedDeleted: size - replaced.value!.deleted, errors: [] });
    await expect(go.task(left!)).rejects.toThrow("task not found");
  });
});
