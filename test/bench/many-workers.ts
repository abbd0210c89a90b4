import { setTimeout as delay } from "node:timers/promises";
import { fill, type Place } from "./cases.ts";
import { leftBehind } from "./left-behind.ts";
import { launch, type Sample } from "./measure.ts";

/** Several processes on one queue: what a task costs Redis, and how fast all are together. */
export async function manyWorkers(
  system: string,
  place: Place,
  { workers, tasks }: { readonly workers: number; readonly tasks: number },
): Promise<Sample> {
  const { redisPort, meter, launches } = place;
  const warmup = Math.ceil(tasks / 10);
  await fill(system, place, { tasks: warmup + tasks, payloadBytes: 100, uniqueForSec: 0, groups: 0, queues: ["default"] });
  const settled = async (count: number): Promise<void> => {
    while (Number(await meter.redis.get("asynq:{default}:processed")) < count) await delay(2);
  };
  const children = Array.from({ length: workers }, () =>
    launch(launches[system]!, { role: "listen", redisPort, concurrency: 25, tells: false }),
  );
  try {
    await settled(warmup);
    const [before, startedMs] = [await meter.read(), performance.now()];
    await settled(warmup + tasks);
    const [ms, after] = [performance.now() - startedMs, await meter.read()];
    return {
      opsPerSec: (tasks * 1000) / ms,
      redisCpuUsPerTask: (after.cpuUs - before.cpuUs) / tasks,
      workerCpuUsPerTask: 0,
      bytesPerTask: (after.bytesIn + after.bytesOut - before.bytesIn - before.bytesOut) / tasks,
      readsPerTask: (after.reads - before.reads) / tasks,
      rssMiB: 0,
      wrong: await leftBehind(system, meter.redis, ["default"], { repeated: 0 }),
    };
  } finally {
    await Promise.all(children.map((child) => child.end("SIGKILL")));
  }
}
