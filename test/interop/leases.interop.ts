/** What `docs/extensions.md` says that Go sees of the fraction of a lease. */
import { Task } from "@asynqjs/client-edge";
import { extendLeases, recover, settle } from "@asynqjs/core";
import { patchTaskMessage } from "@asynqjs/core/wire";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const queues = ["default"];
/** A retry delay that none of these tests lives to see. */
const retryDelayMs = 3_600_000;

onGo(goVersions, (test) => {
  test("the fraction of a lease: Go lists the task, not as orphaned while the lease lasts, and as orphaned after it", async ({
    redis,
    go,
  }) => {
    const [past, now] = [ourBroker(redis, 600), ourBroker(redis)];
    await past.enqueue(new Task("t"), { taskId: "lost" });
    await past.take();
    await now.enqueue(new Task("t"), { taskId: "held" });
    await now.take();
    for (const id of ["lost", "held"]) expect(Number(await redis.zscore("asynq:{default}:lease", id)) % 1).toBeGreaterThan(0);

    const active = await go.list("active");

    expect(Object.fromEntries(active.map(({ id, isOrphaned }) => [id, isOrphaned]))).toEqual({ lost: true, held: false });
  });

  test("the fraction of a lease: a Go recoverer takes our lost task as any other, charges a retry, and leaves what is held", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    const [past, now] = [ourBroker(redis, 600), ourBroker(redis)];
    await past.enqueue(new Task("t"), { taskId: "lost" });
    await past.enqueue(new Task("t"), { taskId: "last", maxRetry: 0 });
    await past.take();
    await now.enqueue(new Task("t"), { taskId: "held" });
    const [held] = await now.take();

    await startGoWorker({ retryDelayMs });

    const expired = "asynq: task lease expired";
    await expect.poll(() => go.task("lost")).toMatchObject({ state: "retry", retried: 1, lastErr: expired });
    await expect.poll(() => go.task("last")).toMatchObject({ state: "archived", lastErr: expired });
    expect(await now.settle(held!, { to: "done" })).toBe("settled");
    expect(await redis.zcard("asynq:{default}:lease")).toBe(0);
  });

  test("the fraction of a lease: what a Go worker holds, by a whole second, nothing of ours writes over", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    await go.enqueue({ type: "hang", options: { taskId: "theirs" } });
    const worker = await startGoWorker();
    await worker.told(({ event }) => event === "run");
    const score = await redis.zscore("asynq:{default}:lease", "theirs");
    expect(score).toMatch(/^\d+$/);
    const { broker } = ourBroker(redis);
    const held = { queue: "default", id: "theirs", token: 1 };
    const msg = patchTaskMessage(await redis.hgetBuffer("asynq:{default}:t:theirs", "msg").then((bytes) => bytes!), { retried: 9 });

    expect(await extendLeases(broker, [held], Number(score) + 60)).toEqual([{ verdict: "lease-lost" }]);
    for (const outcome of [{ to: "done" }, { to: "archived", msg }, { to: "quarantined", why: "x" }] as const) {
      const { results } = await settle(broker, [{ ...outcome, queue: "default", id: "theirs", fence: { token: 1 } }]);
      expect(results).toEqual([{ verdict: "lease-lost" }]);
    }
    expect(await recover(broker, { queues })).toMatchObject({ recovered: 0, archived: 0, quarantined: 0 });

    expect(await go.task("theirs")).toMatchObject({ state: "active", retried: 0 });
    expect(Number(await redis.zscore("asynq:{default}:lease", "theirs")) % 1).toBe(0);
  });
});
