import { Task } from "@asynqjs/client-edge";
import { pauseQueue, unpauseQueue } from "@asynqjs/core";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const retentionSec = 3600;

onGo(goVersions, (test) => {
  test("our server leaves a queue alone that Go has paused, until Go lets it go on", async ({ go, startServer }) => {
    await go.enqueue({ type: "echo", options: { taskId: "a", retentionSec } });
    await go.act("pause");
    await go.enqueue({ type: "echo", options: { taskId: "b", queue: "other", retentionSec } });

    await startServer(async () => {}, { queues: { default: 6, other: 1 }, strictPriority: true });
    // Of less priority, so that it ran after `default` was looked at.
    await expect.poll(async () => (await go.task("b", "other")).state).toBe("completed");
    expect(await go.task("a")).toMatchObject({ state: "pending" });

    await go.act("unpause");
    await expect.poll(async () => (await go.task("a")).state).toBe("completed");
  });

  test("a Go worker leaves a queue alone that we have paused, until we let it go on; Go's inspector sees it paused", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    const ours = ourBroker(redis);
    const others = Array.from({ length: 20 }, (_, i) => `other${i}`);
    await ours.enqueue(new Task("echo"), { taskId: "a", retentionSec });
    await pauseQueue(ours.broker, "default");
    for (const taskId of others) await ours.enqueue(new Task("echo"), { taskId, queue: "other", retentionSec });
    expect(await go.queueInfo()).toMatchObject({ Paused: true, Pending: 1 });
    await expect(go.act("pause")).rejects.toThrow('queue "default" is already paused');

    await startGoWorker({ queues: { default: 6, other: 1 } });
    // Of less priority: before so many of them Go looked at `default` too.
    await expect.poll(async () => (await go.queueInfo("other")).Completed).toBe(others.length);
    expect(await go.task("a")).toMatchObject({ state: "pending" });

    await unpauseQueue(ours.broker, "default");
    await expect.poll(async () => (await go.task("a")).state).toBe("completed");
    await expect(go.act("unpause")).rejects.toThrow('queue "default" is not paused');
  });

  test("a pause of one is ended by the other", async ({ redis, go }) => {
    const { broker } = ourBroker(redis);
    await ourBroker(redis).enqueue(new Task("echo"), { taskId: "a" });

    await go.act("pause");
    await pauseQueue(broker, "default");
    await unpauseQueue(broker, "default");
    expect(await go.queueInfo()).toMatchObject({ Paused: false });

    await pauseQueue(broker, "default");
    await go.act("unpause");
    expect(await ourBroker(redis).take()).toMatchObject([{ id: "a" }]);
  });
});
