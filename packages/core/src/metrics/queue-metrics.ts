import type { QueueStats } from "../broker/read-queue-stats.ts";
import type { Metric } from "./exposition.ts";

const states = ["active", "pending", "scheduled", "retry", "archived", "completed"] as const;

/** How a queue stands, and about how much memory it takes, where that is known. */
export interface MeasuredQueue {
  readonly stats: QueueStats;
  readonly memoryBytes?: number | undefined;
}

/**
 * Asynq's metrics of queues, name for name, so that dashboards and alerts made for its exporter read ours.
 * `asynq_tasks_enqueued_total` is a gauge despite its name, as there. Ours besides: aggregating and quarantined tasks.
 * @see Asynq x/metrics/metrics.go
 */
export function queueMetrics(queues: readonly MeasuredQueue[]): Metric[] {
  const ofQueue = (read: (queue: MeasuredQueue) => number | undefined) =>
    queues.flatMap((measured) => {
      const value = read(measured);
      return value === undefined ? [] : [{ labels: { queue: measured.stats.queue }, value }];
    });
  return [
    {
      name: "asynq_tasks_enqueued_total",
      type: "gauge",
      help: "Number of tasks enqueued; broken down by queue and state.",
      samples: queues.flatMap(({ stats }) => states.map((state) => ({ labels: { queue: stats.queue, state }, value: stats[state] }))),
    },
    { name: "asynq_queue_size", type: "gauge", help: "Number of tasks in a queue", samples: ofQueue(({ stats }) => stats.size) },
    {
      name: "asynq_queue_latency_seconds",
      type: "gauge",
      help: "Number of seconds the oldest pending task is waiting in pending state to be processed.",
      samples: ofQueue(({ stats }) => stats.latencyMs / 1000),
    },
    {
      name: "asynq_queue_memory_usage_approx_bytes",
      type: "gauge",
      help: "Number of memory used by a given queue (approximated number by sampling).",
      samples: ofQueue(({ memoryBytes }) => memoryBytes),
    },
    {
      name: "asynq_tasks_processed_total",
      type: "counter",
      help: "Number of tasks processed (both succeeded and failed); broken down by queue",
      samples: ofQueue(({ stats }) => stats.processedTotal),
    },
    {
      name: "asynq_tasks_failed_total",
      type: "counter",
      help: "Number of tasks failed; broken down by queue",
      samples: ofQueue(({ stats }) => stats.failedTotal),
    },
    {
      name: "asynq_queue_paused_total",
      type: "gauge",
      help: "Number of queues paused",
      samples: ofQueue(({ stats }) => (stats.paused ? 1 : 0)),
    },
    {
      name: "asynqjs_queue_aggregating",
      type: "gauge",
      help: "Number of tasks waiting in groups.",
      samples: ofQueue(({ stats }) => stats.aggregating),
    },
    {
      name: "asynqjs_queue_quarantined",
      type: "gauge",
      help: "Number of tasks set aside because their message cannot be read.",
      samples: ofQueue(({ stats }) => stats.quarantined),
    },
  ];
}
