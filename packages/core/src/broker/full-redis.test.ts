/** A Redis of its own, since one that is full refuses every test beside it. */
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { makeBroker } from "../broker.ts";
import { systemClock, systemRandom } from "../clock.ts";
import { composeTask } from "../options.ts";
import { ioredisPort } from "../redis/ioredis.ts";
import { Task } from "../task.ts";
import { forward } from "../ticks/forward.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { extendLeases } from "./extend-leases.ts";
import { settle } from "./settle.ts";

test("hole J: a full Redis takes no more tasks and says so with nothing written, but its workers go on and drain it", async ({ skip }) => {
  const server = await startRedis();
  const redis = new Redis({ port: server.port, protocol: 2 });
  onTestFinished(async () => {
    redis.disconnect();
    await server.stop();
  });
  const parts = { clock: systemClock, random: systemRandom };
  const broker = makeBroker({ redis: ioredisPort(redis), ...parts });
  skip(!(await broker.redis.features()).allowOom, "the Redis here is older than 7.0: no script may write when it is full");
  const aTask = (taskId: string, processInSec = 0) => composeTask(new Task("t", undefined, { taskId, processInSec }), {}, parts);
  await enqueue(broker, [aTask("a"), aTask("due", 0.001)]);
  await redis.config("SET", "maxmemory", "1", "maxmemory-policy", "noeviction");

  const [refused] = await enqueue(broker, [aTask("b")]);
  expect(refused!.error).toMatchObject({ code: "REDIS", reply: "OOM", delivered: "no" });
  expect(await redis.exists("asynq:{default}:t:b")).toBe(0);

  expect(await forward(broker, { queues: ["default"] })).toMatchObject({ forwarded: 1, errors: [] });
  const { tasks } = await dequeue(broker, ["default"], 10);
  expect(tasks.map(({ id }) => id)).toEqual(["a", "due"]);
  expect(await extendLeases(broker, tasks, tasks[0]!.leaseUntilSec + 5)).toEqual([{ verdict: "extended" }, { verdict: "extended" }]);
  const outcomes = tasks.map(({ queue, id, token }) => ({ queue, id, fence: { token }, to: "done" }) as const);
  expect((await settle(broker, outcomes)).results).toEqual([{ verdict: "settled" }, { verdict: "settled" }]);
  expect(await redis.exists("asynq:{default}:active", "asynq:{default}:lease", "asynq:{default}:t:a")).toBe(0);
});
