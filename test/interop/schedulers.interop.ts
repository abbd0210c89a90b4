import { Client } from "@asynqjs/client-edge";
import { makeBroker, systemClock, systemRandom, Task } from "@asynqjs/core";
import { addCronEntry, editCronEntry, pauseCronEntry, removeCronEntry, runCronEntry, schedule } from "@asynqjs/core/cron";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { slotsBetween } from "@asynqjs/cron-fn";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const slots = 20;
const schedulers = 5;

onGo(goVersions, (test) => {
  test("F29: of five schedulers and Go's that name a slot's task alike, one enqueues it, also when it was done before the last of them came", async ({
    redis,
    go,
    startServer,
  }) => {
    const ran: string[] = [];
    await startServer(async ({ id }) => void ran.push(id));
    const enqueued: string[] = [];
    const refused: string[] = [];
    const told = (taskId: string, error: { readonly message: string } | undefined): void => {
      (error === undefined ? enqueued : refused).push(taskId);
      if (error !== undefined) expect(error.message).toMatch(/task ID conflicts|is in queue .* already|TASK_ID_CONFLICT/i);
    };
    /** Each is new at each slot, as where it was started again. */
    const ours = async (taskId: string): Promise<void> => {
      const client = new Client({ redis: ioredisPort(redis) });
      const [outcome] = await client.enqueueMany([new Task("report", taskId, { taskId, retentionSec: 3_600 })]);
      told(taskId, outcome!.error);
      await client.close();
    };
    const goes = async (taskId: string): Promise<void> => {
      const [result] = await go.enqueue({ type: "report", options: { taskId, retentionSec: 3_600 } });
      told(taskId, result!.error === undefined ? undefined : { message: String(result!.error) });
    };

    for (let slot = 0; slot < slots; slot++) {
      const taskId = `report@${slot}`;
      const early = [...Array.from({ length: schedulers - 1 }, () => () => ours(taskId)), () => goes(taskId)];
      await Promise.all(early.map((enqueue) => enqueue()));
      await expect.poll(() => redis.zscore("asynq:{default}:completed", taskId)).not.toBeNull();
      await ours(taskId);
    }

    const all = Array.from({ length: slots }, (_, slot) => `report@${slot}`);
    expect(enqueued).toEqual(all);
    expect(refused).toHaveLength(slots * schedulers);
    expect(ran).toEqual(all);
    expect(await redis.get("asynq:{default}:processed")).toBe(String(slots));
  });

  test("entries of ours stand in Go's list between two ticks, and what they fired in their history", async ({ redis, go }) => {
    const { broker, clock } = ourBroker(redis, 600);
    const startSec = Math.floor(clock.nowMs() / 1000);
    const times = { slotsBetween };
    const entry = await addCronEntry(broker, {
      id: "report",
      spec: "TZ=Europe/Berlin */5 * * * *",
      type: "report:send",
      payload: Uint8Array.of(0, 255),
      queue: "low",
      options: { maxRetry: 3, timeoutSec: 30, retentionSec: 90 },
    });
    await addCronEntry(broker, { id: "tick", spec: "@every 1h", type: "tick" });
    await schedule(broker, times);
    await clock.advance(599_000);
    const { fired } = await schedule(broker, times);
    expect(fired).toBeGreaterThan(0);

    const nowSec = startSec + 599;
    const lastSec = Math.floor(nowSec / 300) * 300;
    const listed = async () => new Map((await go.schedulerEntries()).map(({ id, ...rest }) => [id, rest]));
    expect(await listed()).toEqual(
      new Map([
        [
          "report",
          {
            spec: "TZ=Europe/Berlin */5 * * * *",
            type: "report:send",
            payload: "AP8=",
            options: ["MaxRetry(3)", 'Queue("low")', "Timeout(30s)", "Retention(1m30s)"],
            nextSec: lastSec + 300,
            prevSec: lastSec,
          },
        ],
        ["tick", { spec: "@every 1h", type: "tick", payload: null, options: ['Queue("default")'], nextSec: startSec + 3_600, prevSec: 0 }],
      ]),
    );
    const slots = slotsBetween({ ...entry, anchorSec: startSec }, startSec, nowSec, 10);
    const history = (await go.schedulerEvents("report")).toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1));
    // By the machine's clock: where the second slot was on time, the one before was caught up with it.
    const firedSlots = slots.slice(-fired);
    expect(history).toEqual(firedSlots.map((slot) => ({ taskId: `report:${slot}`, atSec: nowSec })));
    const [task] = await go.list("pending", { queue: "low" });
    expect(task).toMatchObject({ id: `report:${firedSlots[0]}`, maxRetry: 3, timeoutSec: 30, retentionSec: 90 });

    const { id } = await runCronEntry(broker, "tick");
    expect(await go.schedulerEvents("tick")).toEqual([{ taskId: id, atSec: nowSec }]);
    await editCronEntry(broker, entry, { spec: "@daily" }, times);
    await pauseCronEntry(broker, "tick", times);
    await schedule(broker, times);
    expect((await go.schedulerEntries()).map(({ id, spec }) => [id, spec])).toEqual([["report", "@daily"]]);
    await removeCronEntry(broker, "report");
    await schedule(broker, times);
    expect(await go.schedulerEntries()).toEqual([]);
  });

  test("Go's scheduler beside our entries: each tells of its own, each slot of ours is fired once, and either ends alone", async ({
    redis,
    go,
  }) => {
    const brokers = [0, 1].map(() => makeBroker({ redis: ioredisPort(redis), clock: systemClock, random: systemRandom }));
    const entry = await addCronEntry(brokers[0]!, { id: "ours", spec: "* * * * * *", type: "ours", queue: "shared" });
    const goId = await go.startScheduler({ spec: "@every 1s", type: "go", queue: "shared" });

    // Both run on the machine's clock: a few of their seconds.
    const reports = await Promise.all(brokers.map((broker) => schedule(broker, { slotsBetween, budgetMs: 5_000, everyMs: 500 })));
    expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
    await expect.poll(async () => (await go.schedulerEntries()).map(({ id }) => id).sort()).toEqual(["ours", goId].sort());
    const pending = await go.list("pending", { queue: "shared" });
    const ours = pending.filter(({ type }) => type === "ours").map(({ id }) => id);
    expect(ours).toHaveLength(reports.reduce((sum, { fired }) => sum + fired, 0));
    const lastSec = Number(ours.at(-1)!.split(":")[1]);
    expect(ours.toSorted()).toEqual(slotsBetween({ ...entry, anchorSec: 0 }, entry.sinceSec, lastSec, 100).map((slot) => `ours:${slot}`));
    const goEvents = await go.schedulerEvents(goId);
    expect(goEvents.length).toBeGreaterThan(1);
    expect(pending.filter(({ type }) => type === "go").length).toBeGreaterThanOrEqual(goEvents.length);

    await go.endScheduler();
    expect((await go.schedulerEntries()).map(({ id }) => id)).toEqual(["ours"]);
    expect((await go.schedulerEvents("ours")).map(({ taskId }) => taskId).sort()).toEqual(ours.toSorted());
    const other = await go.startScheduler({ spec: "@every 1h", type: "go", queue: "shared" });
    await expect.poll(async () => (await go.schedulerEntries()).length).toBe(2);
    await removeCronEntry(brokers[1]!, "ours");
    await schedule(brokers[0]!, { slotsBetween });
    expect((await go.schedulerEntries()).map(({ id }) => id)).toEqual([other]);
    await go.endScheduler();
  });
});
