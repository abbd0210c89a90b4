/**
 * Waits for the machine: for processes to start, and, since they run by its clock as a user's do, for the half second after which a worker
 * that is told to end leaves its handlers.
 */
import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { readKeyspace } from "@asynqjs/core/testing";
import { onTestFinished } from "vitest";
import { expect, test } from "../support/redis-test.ts";
import { type RunMessage, startWorker, type WorkerProcess } from "./worker-process.ts";

const restarts = 20;
/** How long the tasks take, milliseconds: the last longer than a worker waits for it. */
const worksMs = [0, 5, 50, 200, 700];

test("processes replaced one after the other by SIGTERM, as a deploy does it: every task is done, nothing is charged", async ({
  redis,
  redisUrl,
}) => {
  const client = new Client({ redis: ioredisPort(redis) });
  const enqueued: string[] = [];
  const runs: RunMessage[] = [];
  const live: WorkerProcess[] = [];
  onTestFinished(() => {
    for (const worker of live) worker.kill("SIGKILL");
  });
  /** Resolves when it runs its first task: from then on it hears signals. */
  const start = async (): Promise<void> => {
    const config = { concurrency: 10, shutdownTimeoutMs: 500, abortGraceMs: 100, taskCheckIntervalMs: 100, logLevel: "error" as const };
    let first = (): void => {};
    const running = new Promise<void>((resolve) => {
      first = resolve;
    });
    live.push(
      startWorker(redisUrl, config, (run) => {
        runs.push(run);
        first();
      }),
    );
    const busy = setInterval(enqueueSome, 100);
    await running;
    clearInterval(busy);
  };
  const enqueueSome = async (): Promise<void> => {
    const tasks = worksMs.map((workMs) => new Task("work", String(workMs)));
    for (const { info } of await client.enqueueMany(tasks)) enqueued.push(info!.id);
  };
  const endOldest = async (): Promise<void> => {
    const oldest = live.shift()!;
    oldest.kill("SIGTERM");
    expect(await oldest.gone).toBe("exit 0");
  };

  await start();
  for (let restart = 0; restart < restarts; restart++) {
    await start();
    await endOldest();
  }
  await expect.poll(() => redis.get("asynq:{default}:processed"), { timeout: 20_000 }).toBe(String(enqueued.length));
  await endOldest();

  const ended = new Set(runs.filter(({ run }) => run === "ended").map(({ id }) => id));
  expect([...ended].sort()).toEqual(enqueued.sort());
  expect(runs.filter(({ retryCount }) => retryCount > 0)).toEqual([]);
  // Some were left by one worker and done by another.
  expect(runs.filter(({ run }) => run === "started").length).toBeGreaterThan(enqueued.length);
  const space = await readKeyspace(ioredisPort(redis));
  expect(Object.keys(space).filter((key) => !/:processed:\d/.test(key))).toEqual(["asynq:queues", "asynq:{default}:processed"]);
});
