import { Task } from "@asynqjs/client-edge";
import { expect, goVersions, onGo } from "./interop-test.ts";

const everyByte = Uint8Array.from({ length: 512 }, (_, i) => i % 256);

onGo(goVersions, (test) => {
  test("the program is linked with the library it is named after", async ({ go, goVersion }) => {
    expect(await go.version()).toBe(goVersion);
  });

  test("what the edge client enqueues over HTTP, a Go worker runs: any bytes, any text, no payload", async ({
    client,
    startGoWorker,
    go,
    goVersion,
  }) => {
    const tasks = [
      new Task("echo", everyByte, { taskId: "bytes", maxRetry: 3, timeoutSec: 60, headers: { trace: "a→b" } }),
      new Task("echo", "ünïcode 🎉\u0000", { taskId: "text" }),
      new Task("echo", { json: [1, null, "ß"] }, { taskId: "json" }),
      new Task("echo", undefined, { taskId: "none" }),
    ];
    for (const { error } of await client.enqueueMany(tasks.map((task) => ({ task, options: { retentionSec: 3600 } }))))
      if (error !== undefined) throw error;

    const worker = await startGoWorker();

    for (const { type, payload, options } of tasks) {
      const run = await worker.told((line) => line.event === "run" && line.id === options.taskId);
      expect(run).toMatchObject({ type, queue: "default", retried: 0, maxRetry: options.maxRetry ?? 25 });
      expect("payload" in run && Buffer.from(run.payload ?? "", "base64")).toEqual(Buffer.from(payload ?? []));
      if (goVersion === "v0.26.0") expect("headers" in run && run.headers).toEqual(options.headers ?? null);
      await expect.poll(async () => (await go.task(options.taskId!)).state).toBe("completed");
      expect(Buffer.from((await go.task(options.taskId!)).result ?? "", "base64")).toEqual(Buffer.from(payload ?? []));
    }
  });

  test("a scheduled task waits in Go's sight, and Go's forwarder makes it run", async ({ client, startGoWorker, go }) => {
    await client.enqueue(new Task("echo", "later"), { taskId: "later", processInSec: 2, queue: "low" });
    expect(await go.task("later", "low")).toMatchObject({ state: "scheduled", queue: "low" });

    const worker = await startGoWorker({ queues: { low: 1 } });

    // 2 s of Go's own clock.
    await worker.told((line) => line.event === "run" && line.id === "later");
  });

  test("a task that fails in Go is charged and tried again, one that is to be skipped is archived, with Go's words", async ({
    client,
    startGoWorker,
    go,
  }) => {
    await client.enqueueMany([new Task("fail", "x", { taskId: "fails", maxRetry: 1 }), new Task("skip", "x", { taskId: "skips" })]);

    const worker = await startGoWorker({ retryDelayMs: 0 });

    await worker.told((line) => line.event === "run" && line.id === "fails" && line.retried === 1);
    await expect.poll(() => go.task("fails")).toMatchObject({ state: "archived", retried: 1, lastErr: "failed in Go" });
    await expect
      .poll(() => go.task("skips"))
      .toMatchObject({ state: "archived", retried: 0, lastErr: "skipped in Go: skip retry for the task" });
  });
});
