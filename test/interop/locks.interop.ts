import { DuplicateTaskError, Task } from "@asynqjs/client-edge";
import { SkipRetry } from "@asynqjs/core";
import type { Redis } from "ioredis";
import type { GoPeer } from "./go-peer.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const sides = ["Go", "ours"] as const;
type Side = (typeof sides)[number];

/** Enqueues the one unique task there is with a client; answers whether it was let in. */
async function enqueueOnce(by: Side, { redis, go }: { redis: Redis; go: GoPeer }, type: string, taskId: string): Promise<boolean> {
  const options = { taskId, uniqueTtlSec: 3600, maxRetry: 1, retentionSec: 3600 };
  if (by === "Go") {
    const [enqueued] = await go.enqueue({ type, payload: Buffer.from("once"), options });
    if (enqueued!.error !== undefined) expect(enqueued!.error).toBe("task already exists");
    return enqueued!.error === undefined;
  }
  try {
    await ourBroker(redis).enqueue(new Task(type, "once"), options);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(DuplicateTaskError);
    return false;
  }
}

onGo(goVersions, (test) => {
  for (const setter of sides) {
    for (const worker of sides) {
      test(`a lock set by the client of ${setter} refuses both, until the worker of ${worker} has done the task`, async ({
        redis,
        go,
        startGoWorker,
        startServer,
      }) => {
        expect(await enqueueOnce(setter, { redis, go }, "echo", "first")).toBe(true);
        for (const by of sides) expect(await enqueueOnce(by, { redis, go }, "echo", `refused by ${by}`)).toBe(false);
        expect(await redis.keys("asynq:{default}:t:*")).toEqual(["asynq:{default}:t:first"]);

        await (worker === "Go" ? startGoWorker() : startServer(async () => {}));
        await expect.poll(() => go.task("first")).toMatchObject({ state: "completed" });

        const other = setter === "Go" ? "ours" : "Go";
        expect(await enqueueOnce(other, { redis, go }, "echo", "second")).toBe(true);
      });
    }
  }

  for (const worker of sides) {
    test(`a task that failed at the worker of ${worker} keeps its lock for both, until Go's delete gives it back`, async ({
      redis,
      go,
      startGoWorker,
      startServer,
    }) => {
      for (const setter of sides) expect(await enqueueOnce(setter, { redis, go }, "skip", "first")).toBe(setter === "Go");
      await (worker === "Go"
        ? startGoWorker()
        : startServer(async () => {
            throw new SkipRetry("not again");
          }));
      await expect.poll(() => go.task("first")).toMatchObject({ state: "archived" });
      for (const by of sides) expect(await enqueueOnce(by, { redis, go }, "skip", `refused by ${by}`)).toBe(false);

      await go.act("delete", { id: "first" });

      expect(await enqueueOnce("ours", { redis, go }, "skip", "second")).toBe(true);
    });
  }
});
