import { type Durability, Task } from "@asynqjs/core";
import type { Config } from "@asynqjs/worker-node";
import { aggregated } from "./fates.ts";

/** A server that does everything there is to do, and all of it soon. */
export function lifeConfig(queues: readonly string[], durability: Durability, warn: (message: string) => void): Config {
  return {
    queues: Object.fromEntries(queues.map((queue) => [queue, 1])),
    concurrency: 20,
    durability,
    delayedTaskCheckIntervalMs: 500,
    recoverIntervalMs: 1_000,
    janitorIntervalMs: 1_000,
    heartbeatIntervalMs: 2_000,
    shutdownTimeoutMs: 5_000,
    abortGraceMs: 200,
    retryDelayFunc: () => 1_000,
    groupGracePeriodMs: 1_000,
    groupMaxSize: 20,
    archiveMaxSize: 1_000_000,
    groupAggregator: (_, tasks) => new Task(aggregated, JSON.stringify(tasks.map((task) => task.text()))),
    logLevel: "warn",
    logger: { debug() {}, info() {}, warn, error: warn },
  };
}
