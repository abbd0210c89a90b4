/** See and steer: what stands in Redis, shown and moved by hand. Asynq: `Inspector`. @module */
export type { AllOptions, AllReport } from "./act-on-all.ts";
export * from "./act-on-found.ts";
export type { NamedOptions } from "./act-on-named.ts";
export * from "./archive-tasks.ts";
export * from "./cluster-nodes.ts";
export * from "./delete-tasks.ts";
export { emptyQueueScript } from "./empty-queue.ts";
export { findPendingScript } from "./find-pending.ts";
export * from "./get-tasks.ts";
export * from "./inspector.ts";
export * from "./list-group-sizes.ts";
export * from "./list-schedulers.ts";
export {
  type ListedServer,
  type ListedWorker,
  listServers,
} from "./list-servers.ts";
export { listTasks, listTasksScript, type PageOptions, type TaskPage, type TaskPlace } from "./list-tasks.ts";
export * from "./read-history.ts";
export * from "./read-log.ts";
export * from "./read-queue-infos.ts";
export * from "./read-redis-info.ts";
export * from "./redrive-tasks.ts";
export * from "./remove-queue.ts";
export * from "./reschedule-tasks.ts";
export * from "./run-tasks.ts";
export { scanTasksScript } from "./scan-tasks.ts";
export * from "./search-tasks.ts";
export type { RawTask, StoredState, StoredTask, UnreadableTask } from "./stored-task.ts";
export type { TaskFilter } from "./task-filter.ts";
export type { TaskVerdict } from "./task-verbs.ts";
export * from "./update-task-payloads.ts";
