/** One measurement: a process of the system does its work on a Redis that has nothing else to do. @module */
import { JsonProcess } from "../interop/json-process.ts";
import { bundleProcess } from "./bundle-process.ts";
import type { Job, JobOf, Told } from "./jobs.ts";
import type { RedisMeter, RedisSpent } from "./redis-meter.ts";

/** How a system's processes are started: its name for our own, the file of Go's. */
export type Launch = { readonly system: string } | { readonly go: string };

/** Per task, but for the rate. */
export interface Sample {
  readonly opsPerSec: number;
  readonly redisCpuUsPerTask: number;
  readonly workerCpuUsPerTask: number;
  readonly bytesPerTask: number;
  readonly readsPerTask: number;
  readonly rssMiB: number;
  readonly p50Us?: number | undefined;
  readonly p99Us?: number | undefined;
  /** What went wrong: lost, run twice, left behind. */
  readonly wrong: readonly string[];
}

type Done = Extract<Told, { event: "done" }>;

const processFile = await bundleProcess();

export function launch(how: Launch, job: Job): JsonProcess<Told> {
  const text = JSON.stringify(job);
  return "go" in how ? new JsonProcess(how.go, ["bench", text]) : new JsonProcess(process.execPath, [processFile, how.system, text]);
}

/** Runs the job to its end and answers what it told and what it cost Redis from when it was warm. */
export async function runJob(
  how: Launch,
  job: JobOf<"produce"> | JobOf<"work"> | JobOf<"forward">,
  meter: RedisMeter,
): Promise<{ readonly done: Done; readonly cost: RedisSpent }> {
  const child = launch(how, job);
  try {
    await child.told(({ event }) => event === "ready");
    child.send("go");
    await child.told(({ event }) => event === "warm");
    const before = await meter.read();
    const done = (await child.told(({ event }) => event === "done")) as Done;
    const cost = difference(await meter.read(), before);
    await child.told(({ event }) => event === "closed");
    return { done, cost };
  } finally {
    await child.end("SIGKILL");
  }
}

export function sampleOf(tasks: number, { done, cost }: Awaited<ReturnType<typeof runJob>>, wrong: readonly string[]): Sample {
  return {
    opsPerSec: (tasks * 1000) / done.ms,
    redisCpuUsPerTask: cost.cpuUs / tasks,
    workerCpuUsPerTask: done.cpuUs / tasks,
    bytesPerTask: (cost.bytesIn + cost.bytesOut) / tasks,
    readsPerTask: cost.reads / tasks,
    rssMiB: done.rssMiB,
    p50Us: done.p50Us,
    p99Us: done.p99Us,
    wrong,
  };
}

function difference(after: RedisSpent, before: RedisSpent): RedisSpent {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - before[name as keyof RedisSpent]]),
  ) as unknown as RedisSpent;
}
