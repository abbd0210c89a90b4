import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { dequeue } from "./dequeue.ts";
import { pauseQueue, unpauseQueue } from "./pause-queue.ts";

test("a paused queue gives no task; once it goes on, it gives what waited", async ({ broker, seedPending, redis }) => {
  await seedPending("a");

  await pauseQueue(broker, "default");
  expect(await redis.get("asynq:{default}:paused")).toBe(String(startSec));
  expect((await dequeue(broker, ["default"], 1)).tasks).toEqual([]);

  await pauseQueue(broker, "low");
  await unpauseQueue(broker, "default");
  expect((await dequeue(broker, ["default", "low"], 1)).tasks).toMatchObject([{ id: "a" }]);
  expect(await redis.exists("asynq:{default}:paused")).toBe(0);
  expect(await redis.exists("asynq:{low}:paused")).toBe(1);
});

test("pausing and letting go on may be repeated: the first second of the pause stays", async ({ broker, clock, redis }) => {
  await unpauseQueue(broker, "default");
  await pauseQueue(broker, "default");
  await clock.advance(5_000);
  await pauseQueue(broker, "default");
  expect(await redis.get("asynq:{default}:paused")).toBe(String(startSec));

  await unpauseQueue(broker, "default");
  await unpauseQueue(broker, "default");

  expect(await redis.exists("asynq:{default}:paused")).toBe(0);
});
