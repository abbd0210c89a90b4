import { describe, expect, test } from "vitest";
import type { QueueStats } from "../broker/read-queue-stats.ts";
import { metricsContentType, renderMetrics } from "./exposition.ts";
import { Histogram } from "./histogram.ts";
import { queueMetrics } from "./queue-metrics.ts";

const stats: QueueStats = {
  queue: "default",
  size: 21,
  pending: 1,
  active: 2,
  scheduled: 3,
  retry: 4,
  archived: 5,
  completed: 6,
  aggregating: 7,
  groups: 1,
  quarantined: 8,
  leases: 2,
  processed: 10,
  failed: 1,
  processedTotal: 1000,
  failedTotal: 100,
  paused: true,
  latencyMs: 1500,
};

describe("the text exposition", () => {
  test("has Asynq's names, help and labels, word for word", () => {
    const text = renderMetrics(queueMetrics([{ stats, memoryBytes: 4096 }]));

    expect(text).toBe(`# HELP asynq_tasks_enqueued_total Number of tasks enqueued; broken down by queue and state.
# TYPE asynq_tasks_enqueued_total gauge
asynq_tasks_enqueued_total{queue="default",state="active"} 2
asynq_tasks_enqueued_total{queue="default",state="pending"} 1
asynq_tasks_enqueued_total{queue="default",state="scheduled"} 3
asynq_tasks_enqueued_total{queue="default",state="retry"} 4
asynq_tasks_enqueued_total{queue="default",state="archived"} 5
asynq_tasks_enqueued_total{queue="default",state="completed"} 6
# HELP asynq_queue_size Number of tasks in a queue
# TYPE asynq_queue_size gauge
asynq_queue_size{queue="default"} 21
# HELP asynq_queue_latency_seconds Number of seconds the oldest pending task is waiting in pending state to be processed.
# TYPE asynq_queue_latency_seconds gauge
asynq_queue_latency_seconds{queue="default"} 1.5
# HELP asynq_queue_memory_usage_approx_bytes Number of memory used by a given queue (approximated number by sampling).
# TYPE asynq_queue_memory_usage_approx_bytes gauge
asynq_queue_memory_usage_approx_bytes{queue="default"} 4096
# HELP asynq_tasks_processed_total Number of tasks processed (both succeeded and failed); broken down by queue
# TYPE asynq_tasks_processed_total counter
asynq_tasks_processed_total{queue="default"} 1000
# HELP asynq_tasks_failed_total Number of tasks failed; broken down by queue
# TYPE asynq_tasks_failed_total counter
asynq_tasks_failed_total{queue="default"} 100
# HELP asynq_queue_paused_total Number of queues paused
# TYPE asynq_queue_paused_total gauge
asynq_queue_paused_total{queue="default"} 1
# HELP asynqjs_queue_aggregating Number of tasks waiting in groups.
# TYPE asynqjs_queue_aggregating gauge
asynqjs_queue_aggregating{queue="default"} 7
# HELP asynqjs_queue_quarantined Number of tasks set aside because their message cannot be read.
# TYPE asynqjs_queue_quarantined gauge
asynqjs_queue_quarantined{queue="default"} 8
`);
  });

  test("leaves out what is not known, and every metric when there is no queue", () => {
    expect(renderMetrics(queueMetrics([{ stats }]))).not.toContain("memory");
    expect(renderMetrics(queueMetrics([]))).toBe("");
  });

  test("escapes what a queue may be called", () => {
    const metric = { name: "m", type: "gauge", help: "a\nb\\c", samples: [{ labels: { queue: 'a"b\\c\nd' }, value: 1 }] } as const;

    expect(renderMetrics([metric])).toBe('# HELP m a\\nb\\\\c\n# TYPE m gauge\nm{queue="a\\"b\\\\c\\nd"} 1\n');
  });

  test("writes what has no labels without braces", () => {
    const metric = { name: "m", type: "gauge", help: "h", samples: [{ value: 1 }, { labels: {}, value: 2 }] } as const;

    expect(renderMetrics([metric])).toBe("# HELP m h\n# TYPE m gauge\nm 1\nm 2\n");
    expect(metricsContentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  });

  test("writes a histogram's buckets as running sums, with its sum and its count", () => {
    const histogram = new Histogram([0.1, 1]);
    for (const value of [0.1, 0.5, 1, 7]) histogram.observe("default", "email", value);

    expect(renderMetrics([{ name: "h", type: "histogram", help: "H.", samples: histogram.snapshot() }])).toBe(`# HELP h H.
# TYPE h histogram
h_bucket{queue="default",type="email",le="0.1"} 1
h_bucket{queue="default",type="email",le="1"} 3
h_bucket{queue="default",type="email",le="+Inf"} 4
h_sum{queue="default",type="email"} 8.6
h_count{queue="default",type="email"} 4
`);
  });
});

describe("a histogram", () => {
  test("tells 200 types of a queue apart, and counts the rest as other", () => {
    const histogram = new Histogram([1]);
    for (let i = 0; i < 250; i++) histogram.observe("default", `t${i}`, 1);
    histogram.observe("default", "t0", 1);

    const series = histogram.snapshot();
    expect(series).toHaveLength(201);
    expect(series.find(({ labels }) => labels.type === "other")!.count).toBe(50);
    expect(series.find(({ labels }) => labels.type === "t0")!.count).toBe(2);
  });
});
