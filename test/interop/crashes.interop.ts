/** What `docs/extensions.md` says that Go sees of tasks that lost a worker, or that no worker here knows. */
import { Task } from "@asynqjs/client-edge";
import { forward, recover } from "@asynqjs/core";
import { ServeMux } from "@asynqjs/worker-node";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";

const queues = ["default"];
/** A retry delay that none of these tests lives to see. */
const retryDelayMs = 3_600_000;

onGo(goVersions, (test) => {
  test("a crash is no failure: Go sees a task in retry with nothing charged, runs it as such, and a third crash archived", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    const past = ourBroker(redis, 600);
    await past.enqueue(new Task("echo", "x"), { taskId: "once" });
    await past.take();
    await past.clock.advance(61_000);
    await recover(past.broker, { queues });
    expect(await go.task("once")).toMatchObject({ state: "retry", retried: 0, lastErr: "asynq: task lease expired" });
    await past.enqueue(new Task("t"), { taskId: "thrice" });
    for (let crashes = 0; crashes < 3; crashes++) {
      expect((await past.take()).map(({ id }) => id)).toEqual(["thrice"]);
      await past.clock.advance(61_000);
      await recover(past.broker, { queues });
      await past.clock.advance(20_000);
      await redis.zrem("asynq:{default}:retry", "once");
      await forward(past.broker, { queues });
    }
    expect(await go.task("thrice")).toMatchObject({ state: "archived", retried: 0, lastErr: "crashed 3 workers" });

    await redis.zadd("asynq:{default}:retry", 1, "once");
    const worker = await startGoWorker();

    expect(await worker.told((line) => line.event === "run")).toMatchObject({ id: "once", retried: 0 });
  });

  test("what a killed Go worker held our recoverer takes once its lease is over, charges nothing, and our server runs it", async ({
    redis,
    go,
    startGoWorker,
    startServer,
  }) => {
    await go.enqueue(
      { type: "hang", payload: Buffer.from("x"), options: { taskId: "a", retentionSec: 3600 } },
      { type: "hang", options: { taskId: "last", maxRetry: 0 } },
    );
    const killed = await startGoWorker();
    for (const id of ["a", "last"]) await killed.told((line) => line.event === "run" && line.id === id);
    await killed.end("SIGKILL");
    expect(await recover(ourBroker(redis).broker, { queues })).toMatchObject({ recovered: 0, archived: 0 });

    const later = ourBroker(redis, -120);
    expect(await recover(later.broker, { queues })).toMatchObject({ recovered: 1, archived: 1, errors: [] });

    const expired = "asynq: task lease expired";
    expect(await go.task("a")).toMatchObject({ state: "retry", retried: 0, lastErr: expired });
    expect(await go.task("last")).toMatchObject({ state: "archived", lastErr: expired });
    await later.clock.advance(10_000);
    await forward(later.broker, { queues });
    const ran: string[] = [];
    await startServer(async (task) => void ran.push(`${task.id} ${task.text()} ${task.retryCount}`));
    await expect.poll(() => go.task("a")).toMatchObject({ state: "completed" });
    expect(ran).toEqual(["a x 0"]);
  });

  test("the crash count: Go's recoverer keeps the field, charges a failure, and by that the count starts again", async ({
    redis,
    go,
    startGoWorker,
  }) => {
    const past = ourBroker(redis, 600);
    const crash = async (): Promise<void> => {
      expect(await past.take()).toHaveLength(1);
      await past.clock.advance(61_000);
    };
    await past.enqueue(new Task("t"), { taskId: "a" });
    await crash();
    await recover(past.broker, { queues });
    await past.clock.advance(10_000);
    await forward(past.broker, { queues });
    await crash();

    const worker = await startGoWorker({ retryDelayMs });
    await expect.poll(() => go.task("a")).toMatchObject({ state: "retry", retried: 1 });
    await worker.end();
    expect(await redis.hget("asynq:{default}:t:a", "js:recovered")).toBe("1@0");

    await redis.zadd("asynq:{default}:retry", 1, "a");
    await forward(past.broker, { queues });
    await crash();
    expect(await recover(past.broker, { queues })).toMatchObject({ recovered: 1 });
    expect(await redis.hget("asynq:{default}:t:a", "js:recovered")).toBe("1@1");
  });

  test("handed back: Go sees the task in scheduled, nothing charged; what Go charges keeps the count", async ({
    redis,
    go,
    startServer,
    startGoWorker,
  }) => {
    await ourBroker(redis).enqueue(new Task("fail"), { taskId: "a" });
    const server = await startServer(
      new ServeMux().handle("email:", () => {}),
      { handBackUnknown: true },
    );
    await expect.poll(() => server.metrics().handedBack).toBe(1);
    await server.shutdown();
    expect(await go.task("a")).toMatchObject({ state: "scheduled", retried: 0, lastErr: 'handler not found for task "fail"' });

    await startGoWorker({ retryDelayMs });

    await expect.poll(() => go.task("a")).toMatchObject({ state: "retry", retried: 1, lastErr: "failed in Go" });
    expect(await redis.hget("asynq:{default}:t:a", "js:handed_back")).toBe("1");
  });

  test("suspects: Go sees those we put off in scheduled, and a Go worker takes them all", async ({ redis, go, startGoWorker }) => {
    const past = ourBroker(redis, 600);
    for (const taskId of ["a", "b", "c"]) {
      await past.enqueue(new Task("echo", "x"), { taskId, retentionSec: 3600 });
      await redis.hset(`asynq:{default}:t:${taskId}`, "js:recovered", "1@0");
    }
    const [taken] = await past.take();
    expect((await go.list("scheduled")).map(({ id }) => id).sort()).toEqual(["b", "c"]);
    expect(await past.settle(taken!, { to: "requeued" })).toBe("settled");

    await startGoWorker();

    for (const id of ["a", "b", "c"]) await expect.poll(() => go.task(id)).toMatchObject({ state: "completed", retried: 0 });
  });
});
