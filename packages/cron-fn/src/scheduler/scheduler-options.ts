import {
  type Clock,
  correctedClock,
  demand,
  type EnqueueOptions,
  type Logger,
  type LogLevel,
  leveled,
  lineLogger,
  parseLogLevel,
  type Random,
  systemClock,
  systemRandom,
  type Task,
  type TaskInfo,
} from "@asynqjs/core";
import { parseCronSpec } from "@asynqjs/core/cron";

/** Options of a `Scheduler`. Asynq: `SchedulerOpts`. */
export interface SchedulerOptions {
  /** How often the scheduler tells of its entries, and looks whether one is due besides, milliseconds. Default 10,000. */
  readonly heartbeatIntervalMs?: number | undefined;
  /** The time zone of specs that name none, by its IANA name. Default `"UTC"`. Asynq: `Location`. */
  readonly location?: string | undefined;
  /** Called before a task is enqueued, if nobody else is faster. What it throws is logged. */
  readonly preEnqueueFunc?: ((task: Task, options: EnqueueOptions) => void) | undefined;
  /** Called after it: with what was enqueued, or why it was not. What it throws is logged. */
  readonly postEnqueueFunc?: ((info: TaskInfo | undefined, error: Error | undefined) => void) | undefined;
  /** Called, after `postEnqueueFunc`, when a task could not be enqueued. @deprecated as in Asynq: use `postEnqueueFunc` */
  readonly enqueueErrorHandler?: ((task: Task, options: EnqueueOptions, error: Error) => void) | undefined;
  /** Default: Asynq's lines on stderr. */
  readonly logger?: Logger | undefined;
  /** Default `"info"`. */
  readonly logLevel?: LogLevel | undefined;
  /** Default: the machine's, corrected by that of Redis. */
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export interface SchedulerSettings extends Omit<SchedulerOptions, "logLevel"> {
  readonly heartbeatIntervalMs: number;
  readonly location: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Checks options and fills in the defaults. Does no I/O.
 * @throws {InvalidOptionError} names the option @throws {CronSpecError} no such time zone
 */
export function checkSchedulerOptions(given: SchedulerOptions): SchedulerSettings {
  const { heartbeatIntervalMs = 10_000, location = "UTC", logLevel = "info", random = systemRandom, ...rest } = given;
  const { clock = correctedClock(systemClock) } = given;
  demand(Number.isFinite(heartbeatIntervalMs) && heartbeatIntervalMs > 0, "heartbeatIntervalMs", "expected milliseconds above 0");
  for (const name of ["preEnqueueFunc", "postEnqueueFunc", "enqueueErrorHandler"] as const)
    demand(given[name] === undefined || typeof given[name] === "function", name, "expected a function");
  // Whether there is such a zone the reader of specs knows.
  parseCronSpec("@daily", location);
  const logger = given.logger ?? lineLogger(clock, process.pid, (line) => process.stderr.write(line));
  return { ...rest, heartbeatIntervalMs, location, random, clock, logger: leveled(logger, parseLogLevel(logLevel)) };
}
