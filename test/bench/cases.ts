/** How one round of a case goes, for cases that differ in figures alone. @module */
import { addClones } from "./clones.ts";
import type { JobOf } from "./jobs.ts";
import { leftBehind, waiting } from "./left-behind.ts";
import { type Launch, runJob, type Sample, sampleOf } from "./measure.ts";
import type { RedisMeter } from "./redis-meter.ts";

/** Where a round runs. */
export interface Place {
  readonly redisPort: number;
  readonly meter: RedisMeter;
  readonly launches: Readonly<Record<string, Launch>>;
}

export interface Case {
  readonly params: Readonly<Record<string, number | string>>;
  readonly systems: readonly string[];
  /** One sample on an empty Redis. */
  readonly run: (system: string, place: Place) => Promise<Sample>;
  /** On a Redis of its own with these arguments. */
  readonly redisArgs?: readonly string[];
}

const payloadBytes = 100;

const enqueueDefaults = { inFlight: 1, perCall: 1, payloadBytes, uniqueForSec: 0, queueCount: 1 };

export function enqueueing(systems: readonly string[], params: { readonly tasks: number } & Partial<typeof enqueueDefaults>): Case {
  const { queueCount, ...full } = { ...enqueueDefaults, ...params };
  const queues = queueCount === 1 ? ["default"] : Array.from({ length: queueCount }, (_, i) => `queue-${i}`);
  return {
    params,
    systems,
    async run(system, place) {
      const warmup = Math.max(full.perCall, full.inFlight * 5, 200);
      const job = { role: "produce" as const, ...full, warmup, redisPort: place.redisPort, queues, groups: 0, from: 0 };
      const measured = await runJob(place.launches[system]!, job, place.meter);
      const there = await waiting(system, place.meter.redis, queues);
      return sampleOf(full.tasks, measured, there === warmup + full.tasks ? [] : [`${there} tasks wait, not ${warmup + full.tasks}`]);
    },
  };
}

const drainDefaults = {
  handlerMs: 0,
  payloadBytes,
  queues: { default: 1 } as Readonly<Record<string, number>>,
  strict: 0,
  failOneIn: 0,
  uniqueForSec: 0,
  groups: 0,
  groupSize: 0,
  /** How many other tasks the queue holds besides, and in which state. */
  size: 0,
  state: "pending" as "pending" | "scheduled" | "archived",
};

export function draining(
  systems: readonly string[],
  {
    queues = drainDefaults.queues,
    ...params
  }: { readonly concurrency: number; readonly tasks: number; readonly warmup?: number } & Partial<typeof drainDefaults>,
): Case {
  const { payloadBytes, uniqueForSec, groups, size, state, ...full } = { ...drainDefaults, queues, ...params };
  return {
    params: { ...params, ...(queues === drainDefaults.queues ? {} : { queues: Object.values(queues).join(":") }) },
    systems,
    async run(system, place) {
      const { warmup = Math.ceil(full.tasks / 10) } = params;
      await fill(system, place, { tasks: full.tasks + warmup, payloadBytes, uniqueForSec, groups, queues: Object.keys(queues) });
      if (size > 0) await addClones(place.meter.redis, state, size);
      const job: JobOf<"work"> = { role: "work", ...full, strict: full.strict === 1, warmup, redisPort: place.redisPort };
      const measured = await runJob(place.launches[system]!, job, place.meter);
      // With others behind them the worker runs a few of those before it is told to end.
      const wrong = size > 0 ? [] : await leftBehind(system, place.meter.redis, Object.keys(queues), measured.done);
      return sampleOf(full.tasks, measured, wrong);
    },
  };
}

/** Those that take many tasks in one call. */
export const takesMany: readonly string[] = ["asynqjs", "BullMQ", "bee-queue"];

/** Our own client fills for whoever shares our layout. */
export async function fill(
  system: string,
  { redisPort, meter, launches }: Place,
  kind: Pick<JobOf<"produce">, "tasks" | "payloadBytes" | "uniqueForSec" | "groups" | "queues">,
): Promise<void> {
  const filler = system === "limit" || system === "Go Asynq" ? "asynqjs" : system;
  const perCall = takesMany.includes(filler) && kind.queues.length === 1 && kind.payloadBytes <= 1_000 ? 1_000 : 1;
  const job: JobOf<"produce"> = { role: "produce", ...kind, warmup: 0, redisPort, perCall, inFlight: perCall === 1 ? 100 : 1, from: 0 };
  await runJob(launches[filler]!, job, meter);
}

/** What was scheduled falls due all at once. */
export function forwarding(tasks: number): Case {
  return {
    params: { tasks },
    systems: ["asynqjs"],
    async run(system, place) {
      await fill(system, place, { tasks: 1, payloadBytes, uniqueForSec: 0, groups: 0, queues: ["default"] });
      await addClones(place.meter.redis, "scheduled", tasks, { due: true });
      const measured = await runJob(place.launches[system]!, { role: "forward", redisPort: place.redisPort }, place.meter);
      const there = await waiting(system, place.meter.redis, ["default"]);
      return sampleOf(tasks, measured, there === tasks + 1 ? [] : [`${there} tasks wait, not ${tasks + 1}`]);
    },
  };
}
