import { Task } from "@asynqjs/client-edge";
import { cancelProcessing } from "@asynqjs/core";
import { gate } from "../support/server-test.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

/** Ids of no other suite: a channel is one for all databases, and so for the suites that run beside this one. */
const [canceled, unheard] = ["canceled", "unheard"];

onGo(goVersions, (test) => {
  test("Go's inspector cancels a task that our server runs", async ({ redis, go, startServer }) => {
    await ourBroker(redis).enqueue(new Task("wait"), { taskId: canceled });
    const started = gate();
    await startServer((task) => {
      started.open();
      return new Promise((_, reject) => task.signal.addEventListener("abort", () => reject(task.signal.reason)));
    });
    await started.opened;

    // More than once: Go's message is lost on a server that is not yet subscribed.
    const cancel = async (): Promise<unknown> => {
      await go.act("cancel", { id: canceled });
      return go.task(canceled);
    };
    await expect.poll(cancel).toMatchObject({ state: "retry", retried: 1, lastErr: expect.stringMatching(/cancel/) });
  });

  test("ours cancels a task that a Go worker runs, by the bare id; of a cancelation that names the queue Go does not hear", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    await go.enqueue({ type: "wait", options: { taskId: unheard } }, { type: "wait", options: { taskId: canceled } });
    const worker = await startGoWorker({ retryDelayMs: 3_600_000 });
    for (const id of [unheard, canceled]) await worker.told((line) => line.event === "run" && line.id === id);

    await cancelProcessing(ourBroker(redis).broker, [{ id: unheard, queue: "default" }, { id: canceled }]);

    await expect.poll(() => go.task(canceled)).toMatchObject({ state: "retry", retried: 1, lastErr: "context canceled" });
    expect(await go.task(unheard)).toMatchObject({ state: "active" });
  });
});
