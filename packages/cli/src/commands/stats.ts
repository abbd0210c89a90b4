import { quoteAsGo } from "@asynqjs/core/cron";
import type { Inspector, QueueInfo } from "@asynqjs/core/inspector";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { table } from "../format/table.ts";
import { dateText } from "../format/time.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { dailyStats, statesOf, stateTable, sumOf } from "./queue-tables.ts";

/** @see Asynq tools/asynq/cmd/stats.go */
export function addStats(program: Command, context: CliContext): void {
  const stats = program
    .command("stats")
    .summary("view current state")
    .description(
      [
        "Stats shows the overview of tasks and queues at that instant.",
        "",
        "The command shows the following:",
        "  * Number of tasks in each state",
        "  * Number of tasks in each queue",
        "  * Aggregate data for the current day",
        "  * Basic information about the running redis instance",
      ].join("\n"),
    )
    .action(() => showStats(context));
  addExamples(stats, "asynqjs stats", "asynqjs stats --json");
}

async function showStats(context: CliContext): Promise<void> {
  const inspector = await context.inspector();
  const cluster = await context.inCluster();
  const queues = await readQueues(inspector);
  const redis = await couldNot("fetch redis info", readRedis(inspector, cluster));
  if (context.json) return context.printJson(statsJson(queues, redis));

  const { style } = context;
  const sum = sumOf(queues);
  const titles = queues.map(({ queue, paused }) => `${queue}${paused ? " (paused)" : ""}`);
  const widest = Math.max(0, ...titles.map((title) => [...title].length));
  const day = dateText(queues.at(-1)?.timestamp ?? new Date(context.clock.nowMs()));
  context.show(
    [
      `${style.bold("Task Count by State")}\n${stateTable(sum, Math.max(9, ...statesOf(sum).map((count) => String(count).length)))}`,
      `${style.bold("Task Count by Queue")}\n${table(titles, [queues.map(({ size }) => size)], widest)}`,
      `${style.bold(`Daily Stats ${day} UTC`)}\n${dailyStats(sum)}`,
      cluster ? `${style.bold("Redis Cluster Info")}\n${clusterTable(redis)}` : `${style.bold("Redis Info")}\n${redisTable(redis)}`,
      "",
    ].join("\n"),
  );
}

type RedisInfo = Readonly<Record<string, string>>;

async function readQueues(inspector: Inspector): Promise<QueueInfo[]> {
  const names = await couldNot("fetch queues", inspector.queues());
  const { readQueueInfos } = await import("@asynqjs/core/inspector");
  const read = await couldNot("fetch stats", readQueueInfos(inspector.broker, names));
  return Promise.all(
    read.map(({ value, error }, nth) =>
      error === undefined ? value : couldNot(`fetch stats for queue ${quoteAsGo(names[nth]!)}`, Promise.reject(error)),
    ),
  );
}

async function readRedis(inspector: Inspector, cluster: boolean): Promise<RedisInfo> {
  const { readClusterInfo, readRedisInfo } = await import("@asynqjs/core/inspector");
  return cluster ? readClusterInfo(inspector.broker) : readRedisInfo(inspector.broker);
}

function redisTable(info: RedisInfo): string {
  return table(
    ["version", "uptime", "connections", "memory usage", "peak memory usage"],
    [
      [
        info.redis_version ?? "",
        `${info.uptime_in_days ?? ""} days`,
        info.connected_clients ?? "",
        `${info.used_memory_human ?? ""}B`,
        `${info.used_memory_peak_human ?? ""}B`,
      ],
    ],
  );
}

function clusterTable(info: RedisInfo): string {
  return table(
    ["State", "Known Nodes", "Cluster Size"],
    [[(info.cluster_state ?? "").toUpperCase(), info.cluster_known_nodes ?? "", info.cluster_size ?? ""]],
  );
}

/** Under the names that Go's CLI prints. */
function statsJson(queues: readonly QueueInfo[], redis: RedisInfo): object {
  const { active, pending, aggregating, scheduled, retry, archived, completed, processed, failed } = sumOf(queues);
  return {
    aggregate: {
      ...{ active, pending, aggregating, scheduled, retry, archived, completed, processed, failed },
      timestamp: queues.at(-1)?.timestamp ?? "0001-01-01T00:00:00Z",
    },
    queues: queues.length === 0 ? null : queues.map(queueJson),
    redis,
  };
}

function queueJson(info: QueueInfo): object {
  return {
    Queue: info.queue,
    MemoryUsage: info.memoryUsageBytes ?? 0,
    Paused: info.paused,
    Size: info.size,
    Groups: info.groups,
    Pending: info.pending,
    Active: info.active,
    Scheduled: info.scheduled,
    Retry: info.retry,
    Archived: info.archived,
    Completed: info.completed,
    Aggregating: info.aggregating,
    Processed: info.processed,
    Failed: info.failed,
    ProcessedTotal: info.processedTotal,
    FailedTotal: info.failedTotal,
    Latency: info.latencyMs * 1_000_000,
    Timestamp: info.timestamp,
  };
}
