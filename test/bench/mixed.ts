import type { Place } from "./cases.ts";
import { leftBehind } from "./left-behind.ts";
import { runJob, type Sample, sampleOf } from "./measure.ts";

/** One process enqueues, 100 at once, while another runs: what is measured is the worker, from its first tasks to its last. */
export async function mixed(system: string, { redisPort, meter, launches }: Place, tasks: number): Promise<Sample> {
  const how = launches[system]!;
  const warmup = Math.ceil(tasks / 10);
  const shared = { redisPort, warmup, tasks };
  const [worked] = await Promise.all([
    runJob(
      how,
      { role: "work", ...shared, concurrency: 100, handlerMs: 0, queues: { default: 1 }, strict: false, groupSize: 0, failOneIn: 0 },
      meter,
    ),
    runJob(
      how,
      {
        role: "produce",
        ...shared,
        inFlight: 100,
        perCall: 1,
        payloadBytes: 100,
        queues: ["default"],
        uniqueForSec: 0,
        groups: 0,
        from: 0,
      },
      meter,
    ),
  ]);
  return sampleOf(tasks, worked, await leftBehind(system, meter.redis, ["default"], worked.done));
}
