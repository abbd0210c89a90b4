/**
 * Waits for the machine: for processes to start and to crash, and, since they run by its clock as a user's do, for handlers that work 2 s and
 * for what the worker puts off on purpose: 2 to 8 s after a crash, 1 to 5 s a suspect that is not alone.
 *
 * It does not wait for the 30 s that the lease of a dead worker lasts and the 30 s until its task counts as lost: between two crashes the
 * leases are moved a minute into the past, their fractions kept, as if that minute had gone by.
 */
import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { readKeyspace } from "@asynqjs/core/testing";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { onTestFinished } from "vitest";
import { ageLeases } from "../support/age-leases.ts";
import { expect, test } from "../support/redis-test.ts";
import { type RunMessage, startWorker } from "./worker-process.ts";

const bystanders = Array.from({ length: 9 }, (_, i) => `bystander${i}`);
const ids = [...bystanders.slice(0, 4), "poison", ...bystanders.slice(4)];

test("a task that takes down the process three times is archived; the nine beside it are done, and share one crash at most", async ({
  redis,
  redisUrl,
}) => {
  const runs: RunMessage[] = [];
  const held: string[][] = [];
  /** Every value of `js:recovered` that was seen, by task: each stands for seconds. */
  const recovered: Record<string, string[]> = Object.fromEntries(ids.map((id) => [id, []]));
  const lookUntil = (sign: () => string | null | Promise<string | null>) =>
    expect.poll(
      async () => {
        for (const id of ids) {
          const count = await redis.hget(`asynq:{default}:t:${id}`, "js:recovered");
          if (count !== null && recovered[id]!.at(-1) !== count) recovered[id]!.push(count);
        }
        return sign();
      },
      { timeout: 100_000, interval: 100 },
    );
  const config = { concurrency: 10, taskCheckIntervalMs: 100, delayedTaskCheckIntervalMs: 100 };
  const start = () => startWorker(redisUrl, config, (run) => runs.push(run));
  const client = new Client({ redis: ioredisPort(redis) });
  for (const { error } of await client.enqueueMany(
    ids.map((taskId) => new Task(taskId === "poison" ? "abort" : "work", "2000", { taskId })),
  ))
    expect(error).toBeUndefined();

  let worker = start();
  onTestFinished(() => worker.kill("SIGKILL"));
  for (let crashes = 0; crashes < 3; crashes++) {
    await lookUntil(() => worker.how).toBe("SIGABRT");
    held.push((await redis.lrange("asynq:{default}:active", 0, -1)).sort());
    await ageLeases(redis);
    worker = start();
  }
  await lookUntil(() => redis.get("asynq:{default}:processed")).toBe("10");
  worker.kill("SIGTERM");
  expect(await worker.gone).toBe("exit 0");

  expect(held[0]).toEqual([...ids].sort());
  for (const crash of held) expect(crash).toContain("poison");
  const { errorMsg, retried } = decodeTaskMessage((await redis.hgetBuffer("asynq:{default}:t:poison", "msg"))!, "poison");
  expect({ errorMsg, retried }).toEqual({ errorMsg: "crashed 3 workers", retried: 0 });
  expect(runs.every((run) => run.retryCount === 0)).toBe(true);

  const space = await readKeyspace(ioredisPort(redis));
  // Days' counters aside, and what dead servers told of themselves, which ends by itself.
  const left = Object.keys(space).filter((key) => !/:(processed|failed):\d|^asynq:(servers|workers)/.test(key));
  expect(left).toEqual([
    "asynq:queues",
    "asynq:{default}:archived",
    "asynq:{default}:failed",
    "asynq:{default}:processed",
    "asynq:{default}:t:poison",
  ]);
  expect(space["asynq:{default}:failed"]).toBe("1");
  expect(Object.keys(space["asynq:{default}:archived"]!)).toEqual(["poison"]);

  expect(recovered).toEqual({ poison: ["1@0", "2@0"], ...Object.fromEntries(bystanders.map((id) => [id, ["1@0"]])) });
  const ended = runs.filter(({ run }) => run === "ended").map(({ id }) => id);
  expect(ended.sort()).toEqual(bystanders);
});
