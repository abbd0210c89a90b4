import { Task } from "@asynqjs/client-edge";
import { recover } from "@asynqjs/core";
import { decodeTaskMessage, encodeTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { ourBroker } from "./our-broker.ts";
import { taskStates } from "./seven-states.ts";

/** A message that neither Go nor we can read, and one that only Go can: its timeout, 2⁶² seconds, is no number of JavaScript. */
const unreadable = Buffer.from([0xff, 0xff]);
const tooLarge = Buffer.concat([
  encodeTaskMessage({ type: "t", id: "bad", queue: "default", retry: 1, retried: 0 }).bytes,
  Buffer.from("40808080808080808040", "hex"),
]);

/** Our server has set a task aside, `bad`. */
async function quarantineOne(redis: Redis, { agoSec = 0, msg = unreadable } = {}): Promise<void> {
  expect(() => decodeTaskMessage(msg, "bad")).toThrow();
  const ours = ourBroker(redis, agoSec);
  await ours.enqueue(new Task("echo", "x"), { taskId: "bad" });
  await redis.hset("asynq:{default}:t:bad", "msg", msg);
  const [task] = await ours.take();
  expect(await ours.settle(task!, { to: "quarantined", why: "cannot be read" })).toBe("settled");
}

onGo(goVersions, (test) => {
  test("a quarantined task is in none of Go's lists and counts, and hides no other", async ({ redis, go }) => {
    await quarantineOne(redis);
    await ourBroker(redis).enqueue(new Task("echo", "x"), { taskId: "good" });

    for (const state of taskStates) {
      const ids = (await go.list(state, { group: "g" })).map(({ id }) => id);
      expect(ids).toEqual(state === "pending" ? ["good"] : []);
    }
    const none = { Active: 0, Scheduled: 0, Retry: 0, Archived: 0, Completed: 0, Aggregating: 0, Groups: 0 };
    expect(await go.queueInfo()).toMatchObject({ ...none, Pending: 1, Size: 1, Processed: 0, Failed: 0 });
  });

  for (const [why, msg, answer] of [
    ["that it does not know the state", tooLarge, 'FAILED_PRECONDITION: "js:quarantine" is not supported task state'],
    ["that it cannot decode the message, where it cannot", unreadable, "INTERNAL_ERROR: could not decode task message"],
  ] as const) {
    test(`Go's GetTaskInfo answers ${why}, for that id alone`, async ({ redis, go }) => {
      await quarantineOne(redis, { msg });
      await ourBroker(redis).enqueue(new Task("echo", "x"), { taskId: "good" });

      await expect(go.task("bad")).rejects.toThrow(answer);
      expect(await go.task("good")).toMatchObject({ state: "pending" });
    });
  }

  test("a quarantined task blocks neither Go's workers nor its recoverer", async ({ redis, go, startGoWorker }) => {
    await quarantineOne(redis, { agoSec: 600 });
    const past = ourBroker(redis, 600);
    await past.enqueue(new Task("echo", "x"), { taskId: "lost" });
    await past.take();
    await past.enqueue(new Task("echo", "x"), { taskId: "good", retentionSec: 3600 });

    await startGoWorker({ retryDelayMs: 3_600_000 });

    await expect.poll(() => go.task("good")).toMatchObject({ state: "completed" });
    await expect.poll(() => go.task("lost")).toMatchObject({ state: "retry", retried: 1 });
    expect(await redis.zrange("asynq:{default}:js:quarantine", "0", "-1")).toEqual(["bad"]);
  });

  test("Go's delete removes a quarantined task, and its id is free again", async ({ redis, go }) => {
    await quarantineOne(redis);

    await go.act("delete", { id: "bad" });

    expect(await redis.exists("asynq:{default}:js:quarantine", "asynq:{default}:t:bad")).toBe(0);
    expect((await go.enqueue({ type: "echo", options: { taskId: "bad" } }))[0]!.error).toBeUndefined();
  });

  test("after Go's run our server quarantines the task again", async ({ redis, go, startServer }) => {
    await quarantineOne(redis);
    await go.act("run", { id: "bad" });
    expect(await redis.hget("asynq:{default}:t:bad", "state")).toBe("pending");
    expect(await redis.exists("asynq:{default}:js:quarantine")).toBe(0);

    const server = await startServer(async () => {});

    await expect.poll(() => server.metrics().quarantined).toBe(1);
    expect(await redis.zrange("asynq:{default}:js:quarantine", "0", "-1")).toEqual(["bad"]);
    expect(await redis.hgetBuffer("asynq:{default}:t:bad", "msg")).toEqual(unreadable);
  });

  test("after Go's run a Go worker strands the task in active, until our recoverer sets it aside", async ({ redis, go, startGoWorker }) => {
    await quarantineOne(redis);
    await go.act("run", { id: "bad" });

    const worker = await startGoWorker();
    await expect.poll(() => redis.lrange("asynq:{default}:active", 0, -1)).toEqual(["bad"]);
    await worker.end();
    expect(await redis.lrange("asynq:{default}:active", 0, -1)).toEqual(["bad"]);

    // Two minutes on, by our clock: Go's lease has ended.
    expect(await recover(ourBroker(redis, -120).broker, { queues: ["default"] })).toMatchObject({ quarantined: 1 });
    expect(await redis.zrange("asynq:{default}:js:quarantine", "0", "-1")).toEqual(["bad"]);
    expect(await redis.exists("asynq:{default}:active", "asynq:{default}:lease")).toBe(0);
  });
});
