import { describe } from "vitest";
import { expect, test } from "../../../../test/support/broker-test.ts";
import type { RedisPort } from "../redis.ts";
import { type DequeuedTask, type DequeueReport, dequeue } from "./dequeue.ts";
import { pauseQueue } from "./pause-queue.ts";
import type { TaskOutcome } from "./settle.ts";
import { settleAndDequeue } from "./settle-and-dequeue.ts";

const done = ({ queue, id, token }: DequeuedTask): TaskOutcome => ({ queue, id, fence: { token }, to: "done" });
const idsOf = (report: unknown): string[] => (report as DequeueReport).tasks.map(({ id }) => id);

describe("settleAndDequeue", () => {
  test("settles what is done, and takes as many others", async ({ broker, seedPending, keyspace }) => {
    await seedPending("a", "b", "c", "d");
    const { tasks } = await dequeue(broker, ["default"], 2);

    const { settled, dequeued } = await settleAndDequeue(broker, tasks.map(done), { queues: ["default"], limit: 2, suspect: true });

    expect(settled).toEqual({ results: [{ verdict: "settled" }, { verdict: "settled" }], trimmed: 0 });
    expect(idsOf(dequeued)).toEqual(["c", "d"]);
    expect(await keyspace()).toMatchObject({
      "asynq:{default}:active": ["d", "c"],
      "asynq:{default}:processed": "2",
    });
    expect(Object.keys(await keyspace()).filter((key) => key.includes(":t:"))).toEqual(["asynq:{default}:t:c", "asynq:{default}:t:d"]);
  });

  test("goes as one request, which the port may repeat as it is: both parts answer as the first time", async ({
    broker,
    seedPending,
    port,
    keyspace,
  }) => {
    const { cluster } = await port.features();
    await seedPending("a", "b", "c");
    const { tasks } = await dequeue(broker, ["default"], 1);
    let requests = 0;
    const repeating: RedisPort = {
      ...port,
      async send(commands, options) {
        requests++;
        await port.send(commands, options);
        return port.send(commands, options);
      },
    };

    const answer = await settleAndDequeue({ ...broker, redis: repeating }, tasks.map(done), {
      queues: ["default"],
      limit: 1,
      suspect: true,
    });

    // Scripts that Redis does not know yet go by text, behind.
    expect(requests).toBeLessThanOrEqual(cluster ? 3 : 2);
    expect(answer.settled.results).toEqual([{ verdict: "settled" }]);
    expect(idsOf(answer.dequeued)).toEqual(["b"]);
    expect(await keyspace()).toMatchObject({ "asynq:{default}:active": ["b"], "asynq:{default}:pending": ["c"] });
  });

  test("settles what is done though nothing may be taken, and says why where a part was refused", async ({
    broker,
    seedPending,
    redis,
    keyspace,
  }) => {
    await seedPending("a", "b");
    const { tasks } = await dequeue(broker, ["default"], 1);
    await pauseQueue(broker, "default");

    const paused = await settleAndDequeue(broker, tasks.map(done), { queues: ["default"], limit: 1, suspect: true });

    expect(paused.settled.results).toEqual([{ verdict: "settled" }]);
    expect(paused.dequeued).toMatchObject({ tasks: [], brokenQueues: [] });

    await redis.del("asynq:{default}:active");
    await redis.set("asynq:{default}:active", "no list");
    const refused = await settleAndDequeue(broker, tasks.map(done), { queues: ["default"], limit: 1, suspect: true });

    expect(refused.settled.results[0]!.error).toMatchObject({ reply: "WRONGTYPE" });
    expect(refused.dequeued).toMatchObject({ tasks: [], brokenQueues: ["default"] });
    expect(await keyspace()).toMatchObject({ "asynq:{default}:pending": ["b"] });
  });
});
