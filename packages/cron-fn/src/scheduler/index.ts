/** Periodic tasks of a process: Asynq's `Scheduler` and `PeriodicTaskManager`, on Node. Apart from the ticks, which run anywhere. @module */
export { CronEntryNotFoundError, CronSpecError, Task } from "@asynqjs/core";
export type { RegisterOptions } from "./compose-entry.ts";
export {
  type PeriodicTaskConfig,
  type PeriodicTaskConfigProvider,
  PeriodicTaskManager,
  type PeriodicTaskManagerOptions,
} from "./periodic-task-manager.ts";
export type { RedisSource } from "./redis-source.ts";
export { Scheduler, type SchedulerState } from "./scheduler.ts";
export type { SchedulerOptions } from "./scheduler-options.ts";
