import { setTimeout as delay } from "node:timers/promises";
import type { Place } from "./cases.ts";
import type { Told } from "./jobs.ts";
import { launch, type Sample } from "./measure.ts";

/** Between a start and the next task, so that the worker is idle again: at least so long, and at most twice. Go sleeps a second. */
const restMs = (system: string): number => (system === "Go Asynq" ? 1_200 : 15);

/** How long an idle worker takes from the enqueueing of a task, in another process, until its handler begins. */
export async function idleLatency(system: string, { redisPort, meter, launches }: Place, tasks: number): Promise<Sample> {
  const how = launches[system]!;
  const worker = launch(how, { role: "listen", redisPort, concurrency: 10, tells: true });
  const producer = launch(how, { role: "tick", redisPort });
  try {
    await Promise.all([worker, producer].map((child) => child.told(({ event }) => event === "ready")));
    const warmup = Math.ceil(tasks / 10);
    const started = (): (Told & { event: "started" })[] => worker.lines.filter((line) => line.event === "started");
    let before = await meter.read();
    for (let sent = 0; sent < warmup + tasks; sent++) {
      await delay(restMs(system) * (1 + Math.random()));
      if (sent === warmup) before = await meter.read();
      const since = worker.lines.length;
      producer.send("tick");
      await worker.told(({ event }) => event === "started", since);
    }
    const after = await meter.read();
    const latencies = started()
      .slice(warmup)
      .map(({ afterUs }) => afterUs)
      .sort((a, b) => a - b);
    const p50Us = latencies[latencies.length >> 1]!;
    return {
      opsPerSec: 1e6 / p50Us,
      redisCpuUsPerTask: (after.cpuUs - before.cpuUs) / tasks,
      workerCpuUsPerTask: 0,
      bytesPerTask: (after.bytesIn + after.bytesOut - before.bytesIn - before.bytesOut) / tasks,
      readsPerTask: (after.reads - before.reads) / tasks,
      rssMiB: 0,
      p50Us,
      p99Us: latencies[Math.floor(latencies.length * 0.99)],
      wrong: latencies.length === tasks ? [] : [`${latencies.length} starts of ${tasks} tasks`],
    };
  } finally {
    await Promise.all([worker.end("SIGKILL"), producer.end("SIGKILL")]);
  }
}
