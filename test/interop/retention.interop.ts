import { Task } from "@asynqjs/client-edge";
import { janitor } from "@asynqjs/core";
import { patchTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const queues = ["default"];
const retentionSec = 3600;
const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

/** Our worker completed a task, so long ago. */
async function completeOne(redis: Redis, taskId: string, agoSec: number): Promise<void> {
  const past = ourBroker(redis, agoSec);
  await past.enqueue(new Task("echo"), { taskId, retentionSec });
  const [task] = await past.take();
  const completedAtSec = Math.floor(past.clock.nowMs() / 1000);
  const msg = patchTaskMessage(task!.msg, { completedAtSec });
  expect(await past.settle(task!, { to: "completed", msg, expireAtSec: completedAtSec + retentionSec })).toBe("settled");
}

onGo(goVersions, (test) => {
  test("Go's inspector lists what our server completed, with its result and until when it is kept", async ({ redis, go, startServer }) => {
    const startSec = Math.floor(Date.now() / 1000);
    await go.enqueue({ type: "echo", payload: everyByte, options: { taskId: "a", retentionSec } });

    await startServer(async (task) => void (await task.resultWriter.write(task.payload)));

    await expect
      .poll(() => go.list("completed"))
      .toMatchObject([{ id: "a", retentionSec, result: Buffer.from(everyByte).toString("base64") }]);
    const { completedAtSec } = await go.task("a");
    expect(completedAtSec).toBeGreaterThanOrEqual(startSec);
    expect(await redis.zscore("asynq:{default}:completed", "a")).toBe(String(completedAtSec + retentionSec));
    expect(await go.queueInfo()).toMatchObject({ Completed: 1, Processed: 1, Failed: 0 });
  });

  test("what a Go worker completed our janitor keeps with its result while its retention lasts, and deletes after it", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    await ourBroker(redis).enqueue(new Task("echo", everyByte), { taskId: "a", retentionSec });
    await startGoWorker();
    await expect.poll(() => go.task("a")).toMatchObject({ state: "completed" });

    expect(await janitor(ourBroker(redis, -retentionSec + 60).broker, { queues })).toMatchObject({ expired: 0, errors: [] });
    expect(await redis.hgetBuffer("asynq:{default}:t:a", "result")).toEqual(Buffer.from(everyByte));

    expect(await janitor(ourBroker(redis, -retentionSec - 60).broker, { queues })).toMatchObject({ expired: 1, errors: [] });
    await expect(go.task("a")).rejects.toThrow("task not found");
    expect(await redis.exists("asynq:{default}:completed", "asynq:{default}:t:a")).toBe(0);
  });

  test("what our server completed Go's janitor deletes once its retention is over, and not before", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    await completeOne(redis, "over", retentionSec + 60);
    await completeOne(redis, "kept", retentionSec - 300);

    // Of Go's clock: 8 s where its janitor's interval is fixed.
    await startGoWorker({ janitorIntervalMs: 100 });

    await expect.poll(() => redis.exists("asynq:{default}:t:over")).toBe(0);
    expect(await go.list("completed")).toMatchObject([{ id: "kept", retentionSec }]);
    expect(await redis.zrange("asynq:{default}:completed", "0", "-1")).toEqual(["kept"]);
  });
});
