/** Sets that an aggregator left behind when it was killed: what the other side makes of them. */
import { Task } from "@asynqjs/client-edge";
import { aggregationCheck, composeTask, extendAggregationSet, janitor, recover, repair, replaceAggregationSet } from "@asynqjs/core";
import { aggregateAll, idsOf, queues, runsOf, sets } from "./aggregation.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const policy = { gracePeriodSec: 60, maxDelaySec: 0, maxSize: 0 };

onGo(goVersions, (test) => {
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
    expect(await repair(past.broker, { queues })).toMatchObject({ indexed: 1, errors: [] });
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
