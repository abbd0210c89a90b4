import { Task } from "@asynqjs/client-edge";
import { cancelProcessing } from "@asynqjs/core";
import { gate } from "../support/server-test.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

onGo(goVersions, (test) => {
  test("Go's inspector cancels a task that our server runs", async ({ redis, go, startServer }) => {
    await ourBroker(redis).enqueue(new Task("wait"), { taskId: "a" });
    const started = gate();
    await startServer((task) => {
      started.open();
      return new Promise((_, reject) => task.signal.addEventListener("abort", () => reject(task.signal.reason)));
    });
    await started.opened;

    // More than once: Go's message is lost on a server that is not yet subscribed.
    const cancel = async (): Promise<unknown> => {
      await go.act("cancel", { id: "a" });
      return go.task("a");
    };
    await expect.poll(cancel).toMatchObject({ state: "retry", retried: 1, lastErr: expect.stringMatching(/cancel/) });
  });

  test("ours cancels a task that a Go worker runs, by the bare id; of a cancelation that names the queue Go does not hear", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    await go.enqueue({ type: "wait", options: { taskId: "a" } }, { type: "wait", options: { taskId: "b" } });
    const worker = await startGoWorker({ retryDelayMs: 3_600_000 });
    for (const id of ["a", "b"]) await worker.told((line) => line.event === "run" && line.id === id);

    await cancelProcessing(ourBroker(redis).broker, [{ id: "a", queue: "default" }, { id: "b" }]);

    await expect.poll(() => go.task("b")).toMatchObject({ state: "retry", retried: 1, lastErr: "context canceled" });
    expect(await go.task("a")).toMatchObject({ state: "active" });
  });
});
