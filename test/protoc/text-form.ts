/**
 * Messages in protobuf's text form, for `protoc --encode`.
 * @module
 */
import type { TaskMessage } from "@asynqjs/core";
import type { SchedulerEnqueueEvent, SchedulerEntry, ServerInfo, WorkerInfo } from "@asynqjs/core/wire";

export const taskMessageText = (message: TaskMessage): string =>
  fields({
    type: message.type,
    payload: message.payload,
    id: message.id,
    queue: message.queue,
    retry: message.retry,
    retried: message.retried,
    error_msg: message.errorMsg,
    timeout: message.timeoutSec,
    deadline: message.deadlineSec,
    unique_key: message.uniqueKey,
    last_failed_at: message.lastFailedAtSec,
    retention: message.retentionSec,
    completed_at: message.completedAtSec,
    group_key: message.groupKey,
  }) + entries("headers", message.headers ?? {});

export const serverInfoText = (info: ServerInfo): string =>
  fields({
    host: info.host,
    pid: info.pid,
    server_id: info.serverId,
    concurrency: info.concurrency,
    strict_priority: info.strictPriority,
    status: info.status,
    start_time: info.startedAtNs,
    active_worker_count: info.activeWorkerCount,
  }) + entries("queues", info.queues);

export const workerInfoText = (info: WorkerInfo): string =>
  fields({
    host: info.host,
    pid: info.pid,
    server_id: info.serverId,
    task_id: info.taskId,
    task_type: info.taskType,
    task_payload: info.taskPayload,
    queue: info.queue,
    start_time: info.startedAtNs,
    deadline: info.deadlineNs,
  });

export const schedulerEntryText = (entry: SchedulerEntry): string =>
  fields({
    id: entry.id,
    spec: entry.spec,
    task_type: entry.taskType,
    task_payload: entry.taskPayload,
    next_enqueue_time: entry.nextEnqueueAtNs,
    prev_enqueue_time: entry.prevEnqueueAtNs,
  }) + entry.enqueueOptions.map((option) => fields({ enqueue_options: option })).join("");

export const enqueueEventText = (event: SchedulerEnqueueEvent): string =>
  fields({ task_id: event.taskId, enqueue_time: event.enqueuedAtNs });

type Value = string | number | boolean | bigint | Uint8Array | undefined;

function fields(values: Readonly<Record<string, Value>>): string {
  return Object.entries(values)
    .map(([name, value]) => (value === undefined ? "" : `${name} ${valueText(value)} `))
    .join("");
}

function entries(name: string, map: Readonly<Record<string, string | number>>): string {
  return Object.entries(map)
    .map(([key, value]) => `${name} { ${fields({ key, value })}} `)
    .join("");
}

/** A bigint is a time in nanoseconds. */
function valueText(value: NonNullable<Value>): string {
  if (typeof value === "bigint") {
    const nanos = ((value % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    return `{ seconds: ${(value - nanos) / 1_000_000_000n} nanos: ${nanos} }`;
  }
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  if (bytes instanceof Uint8Array) return `: "${Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`;
  return `: ${value}`;
}
