/** What is measured. Data: a name, its cases, and who takes part. @module */
import { type Case, draining, enqueueing, forwarding, takesMany } from "./cases.ts";
import { idleLatency } from "./idle-latency.ts";
import { manyWorkers } from "./many-workers.ts";
import { mixed } from "./mixed.ts";

export interface Scenario {
  readonly name: string;
  /** `share` of the full number of tasks. */
  readonly cases: (share: number) => readonly Case[];
}

const node = ["asynqjs", "BullMQ", "bee-queue", "groupmq"];
const everyone = [...node, "Go Asynq"];
const asynqs = ["asynqjs", "Go Asynq"];

export const scenarios: readonly Scenario[] = [
  { name: "enqueue awaited", cases: (share) => [enqueueing(everyone, { tasks: 5_000 * share })] },
  { name: "enqueue 100 in flight", cases: (share) => [enqueueing(everyone, { tasks: 40_000 * share, inFlight: 100 })] },
  { name: "enqueue bulk", cases: (share) => [enqueueing(takesMany, { tasks: 100_000 * share, perCall: 1_000 })] },
  {
    name: "enqueue over HTTP",
    cases: (share) => [
      enqueueing(["asynqjs over HTTP"], { tasks: 3_000 * share }),
      enqueueing(["asynqjs over HTTP"], { tasks: 50_000 * share, perCall: 1_000 }),
    ],
  },
  {
    name: "drain",
    cases: (share) => [
      draining([...everyone, "limit"], { concurrency: 1, tasks: 10_000 * share }),
      draining([...everyone, "limit"], { concurrency: 10, tasks: 30_000 * share }),
      draining([...everyone, "limit"], { concurrency: 100, tasks: 60_000 * share }),
      draining([...everyone, "limit"], { concurrency: 500, tasks: 60_000 * share }),
      draining(everyone, { concurrency: 10, handlerMs: 5, tasks: 3_000 * share }),
      ...(share < 1
        ? []
        : [
            draining(everyone, { concurrency: 1, handlerMs: 5, tasks: 300 }),
            draining(everyone, { concurrency: 100, handlerMs: 5, tasks: 20_000 }),
            draining(everyone, { concurrency: 500, handlerMs: 5, tasks: 40_000 }),
          ]),
    ],
  },
  {
    // A worker lives for days: here its code is compiled before it is measured, as that of the program written in Go is.
    name: "drain warm",
    cases: (share) =>
      share < 1
        ? []
        : [
            draining([...everyone, "limit"], { concurrency: 1, tasks: 20_000, warmup: 20_000 }),
            draining([...everyone, "limit"], { concurrency: 10, tasks: 60_000, warmup: 60_000 }),
            draining([...everyone, "limit"], { concurrency: 100, tasks: 200_000, warmup: 100_000 }),
            draining([...everyone, "limit"], { concurrency: 500, tasks: 200_000, warmup: 100_000 }),
          ],
  },
  {
    name: "idle latency",
    cases: (share) => [
      {
        params: { concurrency: 10 },
        systems: everyone,
        run: (system, place) => idleLatency(system, place, Math.ceil((system === "Go Asynq" ? 20 : 300) * share)),
      },
    ],
  },
  {
    name: "in and out",
    cases: (share) => [{ params: { concurrency: 100 }, systems: everyone, run: (system, place) => mixed(system, place, 30_000 * share) }],
  },
  {
    name: "three queues",
    cases: (share) => [
      draining(asynqs, { concurrency: 100, tasks: 60_000 * share, queues: { critical: 6, default: 3, low: 1 } }),
      draining(asynqs, { concurrency: 100, tasks: 60_000 * share, queues: { critical: 6, default: 3, low: 1 }, strict: 1 }),
    ],
  },
  {
    name: "retries",
    // Go and we look at what is due every 5 s.
    cases: (share) => [draining(everyone, { concurrency: 100, tasks: 60_000 * share, failOneIn: 10 })],
  },
  {
    name: "unique",
    cases: (share) => [
      enqueueing(["asynqjs", "BullMQ", "Go Asynq"], { tasks: 40_000 * share, inFlight: 100, uniqueForSec: 3_600 }),
      draining(["asynqjs", "BullMQ", "Go Asynq"], { concurrency: 100, tasks: 60_000 * share, uniqueForSec: 3_600 }),
    ],
  },
  {
    name: "groups",
    // However few they are, a group is looked at so often and no more.
    cases: (share) => (share < 1 ? [] : [draining(["asynqjs"], { concurrency: 100, tasks: 60_000 * share, groups: 10, groupSize: 100 })]),
  },
  {
    name: "payloads",
    cases: (share) => [
      enqueueing(takesMany, { tasks: 50_000 * share, perCall: 1_000, payloadBytes: 1_000 }),
      draining(everyone, { concurrency: 100, tasks: 50_000 * share, payloadBytes: 1_000 }),
      enqueueing(everyone, { tasks: 3_000 * share, inFlight: 100, payloadBytes: 100_000 }),
      draining(everyone, { concurrency: 100, tasks: 3_000 * share, payloadBytes: 100_000 }),
    ],
  },
  {
    name: "append-only file",
    cases: (share) => {
      const redisArgs = ["--appendonly", "yes", "--appendfsync", "everysec"];
      return [
        { ...enqueueing(everyone, { tasks: 40_000 * share, inFlight: 100 }), redisArgs },
        { ...draining(everyone, { concurrency: 100, tasks: 60_000 * share }), redisArgs },
      ];
    },
  },
  {
    name: "growth",
    cases: (share) =>
      [10_000, 100_000, 1_000_000, 3_000_000]
        .filter((size) => share === 1 || size <= 100_000)
        .flatMap((size) =>
          (["pending", "scheduled", "archived"] as const).map((state) =>
            draining(["asynqjs"], { concurrency: 100, tasks: 60_000 * share, state, size }),
          ),
        ),
  },
  {
    name: "many queues",
    cases: (share) => [enqueueing(asynqs, { tasks: 40_000 * share, inFlight: 100, queueCount: 10_000 * share })],
  },
  {
    name: "many workers",
    cases: (share) =>
      [1, 2, 4, 8].map((workers) => ({
        params: { workers, concurrency: 25 },
        systems: ["asynqjs"],
        run: (system, place) => manyWorkers(system, place, { workers, tasks: 60_000 * share }),
      })),
  },
  { name: "forward", cases: (share) => [forwarding(1_000_000 * share)] },
];
