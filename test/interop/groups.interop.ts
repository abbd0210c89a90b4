import { Task } from "@asynqjs/client-edge";
import { aggregateAll, idsOf, join, partsOf, runsOf, sets } from "./aggregation.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

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
});
