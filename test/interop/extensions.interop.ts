/** What else `docs/extensions.md` says that Go sees, and does, with what we add to Asynq's layout. */
import { Task } from "@asynqjs/client-edge";
import { forward, writeLog } from "@asynqjs/core";
import { patchTaskMessage } from "@asynqjs/core/wire";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const queues = ["default"];

onGo(goVersions, (test) => {
  test("call records: Go sees the queue as if they were not there, and works it", async ({ redis, go, startGoWorker }) => {
    const ours = ourBroker(redis);
    await ours.enqueue(new Task("echo", "a"), { taskId: "a", retentionSec: 3600 });
    expect(await redis.keys("asynq:{default}:js:call:*")).not.toEqual([]);

    expect(await go.queues()).toEqual(["default"]);
    expect(await go.queueInfo()).toMatchObject({ Size: 1, Pending: 1 });
    await startGoWorker();

    await expect.poll(() => go.task("a")).toMatchObject({ state: "completed" });
  });

  test("the bounded log: Go does not ask for it, and keeps it when it runs the task", async ({ redis, go, startGoWorker }) => {
    const past = ourBroker(redis, 600);
    await past.enqueue(new Task("echo", "x"), { taskId: "a", retentionSec: 3600 });
    const [task] = await past.take();
    await writeLog(past.broker, task!, [{ message: "halfway", atMs: 0 }]);
    await past.settle(task!, { to: "requeued" });
    const logs = '[{"msg":"halfway","ts":"1970-01-01T00:00:00.000Z"}]';
    expect(await redis.hget("asynq:{default}:t:a", "logs")).toBe(logs);

    await startGoWorker();

    await expect.poll(() => go.task("a")).toMatchObject({ state: "completed", lastErr: "" });
    expect(await redis.hget("asynq:{default}:t:a", "logs")).toBe(logs);
  });

  test("the group index: a task that we forward into its group is seen by Go's inspector, and by its aggregator", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    const ours = ourBroker(redis, 600);
    await ours.enqueue(new Task("part", "a"), { taskId: "a", group: "g" });
    // Go's run takes it out of its group and the group out of the index; the hash still names it.
    await go.act("run", { id: "a" });
    const [task] = await ours.take();
    await ours.settle(task!, { to: "retry", msg: patchTaskMessage(task!.msg, { retried: 1 }), retryAtSec: 1, isFailure: true });
    expect(await go.groups()).toEqual([]);

    await forward(ours.broker, { queues });

    expect(await go.groups()).toEqual([{ Group: "g", Size: 1 }]);
    const worker = await startGoWorker({ aggregate: true });
    await worker.told((line) => line.event === "run" && line.type === "aggregated");
  });

  test("requeued tasks keep their age: Go's latency counts from when a task went back to pending", async ({ redis, go }) => {
    const past = ourBroker(redis, 600);
    await past.enqueue(new Task("t"), { taskId: "a" });
    const [task] = await past.take();

    await past.settle(task!, { to: "requeued" });

    expect((await go.queueInfo()).Latency / 1e9).toBeGreaterThanOrEqual(600);
  });

  test("trimmed locks: a task that we trim from the archive is no duplicate for Go's client any more", async ({ redis, go }) => {
    const days = 24 * 3600;
    const [old, now] = [ourBroker(redis, 91 * days), ourBroker(redis)];
    const again = { type: "t", payload: Buffer.from("x"), options: { uniqueTtlSec: 60 } };
    for (const [ours, options] of [
      [old, { taskId: "old", uniqueTtlSec: 365 * days }],
      [now, { taskId: "new" }],
    ] as const) {
      await ours.enqueue(new Task("t", "x"), options);
      expect(await go.enqueue(again)).toEqual([{ error: "task already exists" }]);
      const [task] = await ours.take();
      await ours.settle(task!, { to: "archived", msg: patchTaskMessage(task!.msg, {}) });
    }

    expect((await go.list("archived")).map(({ id }) => id)).toEqual(["new"]);
    expect((await go.enqueue(again))[0]!.error).toBeUndefined();
  });
});
