import { SkipRetry } from "@asynqjs/core";
import type { ProcessingTask } from "@asynqjs/worker-node";
import { gate } from "../support/server-test.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";

const everyByte = Uint8Array.from({ length: 512 }, (_, i) => i % 256);

onGo(goVersions, (test) => {
  test("what Go's client enqueues, our server runs: any bytes, any text, none; Go reads the result", async ({
    go,
    startServer,
    goVersion,
  }) => {
    const headers = { trace: "a→b", empty: "" };
    const enqueued = await go.enqueue(
      { type: "echo", payload: everyByte, options: { taskId: "bytes", maxRetry: 3, timeoutSec: 60, retentionSec: 3600, headers } },
      { type: "echo", payload: Buffer.from("ünïcode 🎉\u0000"), options: { taskId: "text", retentionSec: 3600 } },
      { type: "echo", options: { taskId: "none", retentionSec: 3600 } },
    );
    expect(enqueued.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);

    const runs = new Map<string, ProcessingTask>();
    await startServer(async (task) => {
      runs.set(task.id, task);
      await task.resultWriter.write(task.payload);
    });

    for (const { result } of enqueued) {
      await expect.poll(async () => (await go.task(result!.id)).state).toBe("completed");
      const payload = Buffer.from(result!.payload ?? "", "base64");
      expect(Buffer.from(runs.get(result!.id)!.payload)).toEqual(payload);
      expect(Buffer.from((await go.task(result!.id)).result ?? "", "base64")).toEqual(payload);
    }
    expect(runs.get("bytes")).toMatchObject({ type: "echo", queue: "default", retryCount: 0, maxRetry: 3 });
    expect(runs.get("bytes")!.headers).toEqual(goVersion === "v0.26.0" ? headers : {});
  });

  test("an idle server starts what Go's client enqueues, and what a queue that Go lets go on holds, without looking for it by the clock", async ({
    go,
    startServer,
  }) => {
    const started: string[] = [];
    const server = await startServer(async ({ id }) => void started.push(id), { taskCheckIntervalMs: 3_600_000 });
    await expect.poll(() => server.metrics().watching).toBe(true);

    await go.enqueue({ type: "echo", options: { taskId: "a" } });
    await expect.poll(() => started).toEqual(["a"]);

    await go.act("pause");
    await go.enqueue({ type: "echo", options: { taskId: "b" } });
    await go.act("unpause");
    await expect.poll(() => started).toEqual(["a", "b"]);
  });

  test("a task of Go that is due later runs when its time has come", async ({ go, startServer }) => {
    // 1 s of the machine's clock: Go's client knows no other.
    await go.enqueue({ type: "echo", options: { taskId: "later", processInSec: 1 } });
    expect(await go.task("later")).toMatchObject({ state: "scheduled" });

    const ran = gate<string>();
    await startServer(async (task) => ran.open(task.id), { delayedTaskCheckIntervalMs: 100 });

    expect(await ran.opened).toBe("later");
  });

  test("Go reads how a task failed here: in retry with the error, or archived when it is not to be tried again", async ({
    go,
    startServer,
  }) => {
    await go.enqueue({ type: "fail", options: { taskId: "fails" } }, { type: "skip", options: { taskId: "skips" } });

    await startServer(async (task) => {
      throw task.type === "skip" ? new SkipRetry("no address ✗") : new Error("mailer is down 🎉");
    });

    await expect.poll(() => go.task("fails")).toMatchObject({ state: "retry", retried: 1, lastErr: "mailer is down 🎉" });
    await expect.poll(() => go.task("skips")).toMatchObject({ state: "archived", retried: 0, lastErr: "no address ✗" });
    expect((await go.task("fails")).nextProcessAtSec).toBeGreaterThan(Date.now() / 1000);
    await expect.poll(() => go.queueInfo()).toMatchObject({ Processed: 2, Failed: 2 });
  });
});
