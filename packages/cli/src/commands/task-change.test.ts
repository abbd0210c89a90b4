import { decodeTaskMessage } from "@asynqjs/core/wire";
import { expect, test } from "../../test/task-test.ts";

test("task update-payload gives a task another payload, and nothing to one that runs", async ({ task, seed, redis }) => {
  await seed();

  expect(await task("update-payload", "-q", "default", "-i", "retry", "-l", '{"user":7}')).toEqual({
    code: 0,
    out: "task payload updated\n",
    err: "",
  });
  const { payload } = decodeTaskMessage((await redis.hgetBuffer("asynq:{default}:t:retry", "msg"))!, "it");
  expect(Buffer.from(payload!).toString()).toBe('{"user":7}');
  expect(await task("update-payload", "-q", "default", "-i", "active", "-l", "x")).toMatchObject({
    code: 4,
    out: "",
    err: expect.stringContaining("could not update task payload: cannot update a task that is active"),
  });
});

test("task reschedule lets a task wait for another time, in so long or at that time", async ({ task, seed, redis, clock }) => {
  await seed();

  expect(await task("reschedule", "-q", "default", "-i", "scheduled", "--process_in=5m")).toEqual({
    code: 0,
    out: "task rescheduled\n",
    err: "",
  });
  await task("reschedule", "-q", "default", "-i", "pending", "--process_at=2040-01-02T05:00:00Z");

  expect(await redis.zmscore("asynq:{default}:scheduled", "scheduled", "pending")).toEqual([
    String(clock.nowMs() / 1000 + 300),
    String(Date.UTC(2040, 0, 2, 5) / 1000),
  ]);
  expect((await task("reschedule", "-q", "default", "-i", "archived", "--process_in=5m")).err).toContain(
    "could not reschedule task: cannot reschedule a task that is archived",
  );
  expect(await task("reschedule", "-q", "default", "-i", "pending")).toMatchObject({
    code: 2,
    err: "asynqjs: say either --process_at or --process_in\n",
  });
});
