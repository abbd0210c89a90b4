import type { Client } from "@asynqjs/client-edge";
import { type EnqueueOptions, type Random, type RedisError, Task } from "@asynqjs/core";
import { machineMs } from "../machine-ms.ts";
import type { ChaosPayload } from "../worker.ts";

/** An attempt to enqueue a task, and what was said of it. `info`: it may have been enqueued, or not. */
export interface EnqueueEvent {
  readonly atMs: number;
  readonly event: "invoke" | "ok" | "info" | "fail";
  readonly by: string;
  readonly queue: string;
  readonly id: string;
  readonly why?: string;
}

interface Producer {
  readonly name: string;
  readonly client: Client;
}

export interface ProduceOptions {
  readonly producers: readonly Producer[];
  readonly queues: readonly string[];
  readonly tasks: number;
  readonly perSec: number;
  readonly random: Random;
  readonly payload: (does: Omit<ChaosPayload, "canary">) => ChaosPayload;
  readonly canaries: { readonly result: string; readonly header: string };
  /** Whether workers are so far behind that more would only wait. */
  readonly tooFull: () => Promise<boolean>;
  readonly note: (error: unknown) => void;
}

const perCall = 20;
/** A call is given up after so long: no fault lasts that long. */
const timeoutMs = 30_000;

/** Enqueues so many tasks, at about so many a second, and answers each attempt. */
export async function produce(options: ProduceOptions): Promise<EnqueueEvent[]> {
  const { producers, perSec, tooFull } = options;
  const events: EnqueueEvent[] = [];
  const startMs = machineMs();
  let made = 0;
  await Promise.all(
    producers.map(async (producer) => {
      while (made < options.tasks) {
        const leadMs = startMs + (made / perSec) * 1000 - machineMs();
        if (leadMs > 0) await new Promise((resolve) => setTimeout(resolve, leadMs));
        while (await tooFull()) await new Promise((resolve) => setTimeout(resolve, 200));
        const first = made;
        made += perCall;
        const ids = Array.from({ length: Math.min(perCall, options.tasks - first) }, (_, i) => `task-${first + i}`);
        await enqueueSome(producer, ids, options, events);
      }
    }),
  );
  return events;
}

async function enqueueSome(
  { name, client }: Producer,
  ids: readonly string[],
  options: ProduceOptions,
  events: EnqueueEvent[],
): Promise<void> {
  const tasks = ids.map((taskId) => makeTask(taskId, options));
  const tell = (event: EnqueueEvent["event"], i: number, why?: string): void => {
    const { taskId, queue } = tasks[i]!.options;
    events.push({ atMs: machineMs(), event, by: name, queue: queue!, id: taskId!, ...(why === undefined ? {} : { why }) });
  };
  for (const i of tasks.keys()) tell("invoke", i);
  const outcomes = await client.enqueueMany(tasks, { timeoutMs });
  for (const [i, { error }] of outcomes.entries()) {
    if (error === undefined) {
      tell("ok", i);
      continue;
    }
    options.note(error);
    // A conflict with itself: its call record was evicted between a try and its repetition.
    const isNothing = error.code === "REDIS" && (error as RedisError).delivered === "no";
    tell(isNothing ? "fail" : "info", i, error.code);
  }
}

function makeTask(taskId: string, { random, queues, payload, canaries }: ProduceOptions): Task & { readonly options: EnqueueOptions } {
  const chance = random.float();
  const between = (least: number, most: number): number => Math.floor(least + random.float() * (most - least));
  const ms =
    chance < 0.87 ? between(0, 5) : chance < 0.94 ? between(20, 200) : chance < 0.994 ? between(500, 2_000) : between(5_000, 10_000);
  const keeps = random.float() < 0.15;
  const options: EnqueueOptions = {
    taskId,
    queue: queues[Math.floor(random.float() * queues.length)]!,
    headers: { "x-secret": canaries.header },
    ...(keeps ? { retentionSec: 3_600 } : {}),
    ...(random.float() < 0.05 ? { uniqueTtlSec: 3_600 } : {}),
    ...(random.float() < 0.03 ? { processInSec: between(1, 5) } : {}),
  };
  const does = { ms, ...(random.float() < 0.03 ? { fails: true } : {}), ...(keeps ? { result: canaries.result } : {}) };
  // Each its own, or the unique ones were one.
  return new Task("chaos", { ...payload(does), taskId }, options) as Task & { readonly options: EnqueueOptions };
}
