import { Histogram, type HistogramSeries, type Metric } from "@asynqjs/core";

/** What a server counts from its construction on. */
const counters = [
  /** Handlers called. */
  "started",
  /** Outcomes that are written, by kind: `completed` is kept for its retention, `done` is gone. */
  "done",
  "completed",
  "retried",
  "archived",
  "revoked",
  "requeued",
  "handedBack",
  "quarantined",
  /** Retries that were charged: `retried` less those that `isFailure` let off, and what was archived. */
  "failed",
  /** Outcomes refused because the task belonged to someone else by then, or was settled. */
  "leaseLost",
  /** Tasks whose lease ended here, Redis not having answered in time: nothing was written. */
  "leaseExpired",
  /** Outcomes that Redis refused or did not answer until the lease's end: the recoverer takes over. */
  "unsettled",
  /** Ids whose hash was gone, dropped on the way. */
  "dangling",
  /** Archived tasks deleted because the archive was full or they were too old. */
  "trimmed",
  /** Suspects put off, since one runs at a time. */
  "putOff",
  /** Runs that somebody asked to end. */
  "canceled",
  /** Handlers still running when their outcome was due; see the gauge `leaked` for how many still do. */
  "leaks",
  /** Errors of handlers that ended after their outcome was written: nothing follows from them. */
  "lateErrors",
  /** Promises that handlers left behind and that rejected with nobody waiting; see `catchStrayRejections`. */
  "strayRejections",
  /** Results, and calls with log lines, that were not stored: the task was not ours any more, or Redis did not take them. */
  "writesRefused",
  /** Errors that a function of yours threw: `errorHandler`, `isFailure`, `retryDelayFunc`, `healthCheckFunc`. */
  "callbackErrors",
  /** Calls that failed, by component. */
  "dequeueErrors",
  "settleErrors",
  "extendErrors",
  "stateErrors",
  "forwardErrors",
  "recoverErrors",
  "aggregateErrors",
  "janitorErrors",
  "repairErrors",
  /** Heartbeat threads that ended by themselves and were started again. */
  "heartbeatRestarts",
  /** What the forwarder and the recoverer of this server did. */
  "forwarded",
  "recovered",
  "recoveredArchived",
  /** Tasks that went back to their group, since nobody aggregated them in time. */
  "reclaimed",
  /** Tasks, locks, groups and queues that the repairer put right. */
  "repaired",
  /** Sets of tasks, and the tasks in them, in whose place an aggregated task stands. */
  "aggregatedSets",
  "aggregated",
  /** Sets that were given back, or aggregated by somebody else, before their aggregation here was done. */
  "setsLost",
  /** Looks at the groups left out because three were going on. */
  "checksSkipped",
  /** Completed tasks deleted because their retention had ended, and those beyond `completedMaxSize`. */
  "expired",
  "completedTrimmed",
] as const;

export type Counter = (typeof counters)[number];

/** Counts since the server was made, and how things stand now. */
export type Metrics = Readonly<Record<Counter, number>> & {
  /** Slots taken: running, waiting for its outcome to be written, or leaked. */
  readonly busy: number;
  /** Handlers that run on although their task's outcome is written or lost. */
  readonly leaked: number;
  /** Outcomes not yet answered by Redis. */
  readonly unsettledNow: number;
  /** How long tasks were pending before this server took them, seconds, by queue and type. */
  readonly waitSec: readonly HistogramSeries[];
  /** How long handlers ran, seconds, by queue and type. */
  readonly runSec: readonly HistogramSeries[];
  /** Whether the server takes tasks as it should: false from `maxLeaked` leaked handlers on. */
  readonly healthy: boolean;
  /** Whether Redis tells the server when its queues change; it polls otherwise. */
  readonly watching: boolean;
};

/** From a task that was awaited to one that waited for its day. */
const waitBoundsSec = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200, 86_400];
/** Up to Asynq's default timeout. */
const runBoundsSec = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800];

/** The counters of one server. */
export class Counters {
  /** How many handlers are leaked now. */
  leaked = 0;
  /** How much was counted in all: as long as it stays the same this server did nothing. */
  added = 0;
  readonly waitSec: Histogram = new Histogram(waitBoundsSec);
  readonly runSec: Histogram = new Histogram(runBoundsSec);
  readonly #counts = Object.fromEntries(counters.map((name) => [name, 0])) as Record<Counter, number>;

  add(name: Counter, count = 1): void {
    this.#counts[name] += count;
    this.added += count;
  }

  snapshot(): Readonly<Record<Counter, number>> & Pick<Metrics, "waitSec" | "runSec"> {
    return { ...this.#counts, waitSec: this.waitSec.snapshot(), runSec: this.runSec.snapshot() };
  }
}

/** A server's metrics for `renderMetrics`: `asynqjs_server_<counter>_total`, the gauges, and the two histograms. */
export function serverMetrics(metrics: Metrics): Metric[] {
  const one = (value: number) => [{ value }];
  return [
    ...counters.map(
      (name): Metric => ({
        name: `asynqjs_server_${snakeCase(name)}_total`,
        type: "counter",
        help: `Count "${name}" of this server since it was made.`,
        samples: one(metrics[name]),
      }),
    ),
    { name: "asynqjs_server_busy", type: "gauge", help: "Number of slots taken.", samples: one(metrics.busy) },
    { name: "asynqjs_server_leaked", type: "gauge", help: "Number of handlers that do not end.", samples: one(metrics.leaked) },
    { name: "asynqjs_server_unsettled_now", type: "gauge", help: "Number of outcomes on their way.", samples: one(metrics.unsettledNow) },
    { name: "asynqjs_server_healthy", type: "gauge", help: "Whether the server takes tasks.", samples: one(metrics.healthy ? 1 : 0) },
    {
      name: "asynqjs_server_watching",
      type: "gauge",
      help: "Whether the server is told of changes.",
      samples: one(metrics.watching ? 1 : 0),
    },
    {
      name: "asynqjs_server_task_wait_seconds",
      type: "histogram",
      help: "Time that tasks were pending before they were taken.",
      samples: metrics.waitSec,
    },
    { name: "asynqjs_server_task_run_seconds", type: "histogram", help: "Time that handlers ran.", samples: metrics.runSec },
  ];
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
