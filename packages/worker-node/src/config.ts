import { availableParallelism } from "node:os";
import {
  type Clock,
  checkLimits,
  correctedClock,
  type Durability,
  defaultJanitorBatchSize,
  defaultQueue,
  defaultRetryDelayMs,
  type GroupAggregator,
  InvalidOptionError,
  type LimitOptions,
  type Limits,
  type Logger,
  type LogLevel,
  leaseSec,
  leveled,
  maxJanitorBatchSize,
  type OnCancel,
  parseLogLevel,
  type Random,
  systemClock,
  systemRandom,
} from "@asynqjs/core";
import type { HealthCheckFunc } from "./healthchecker.ts";
import type { ProcessingTask } from "./processing-task.ts";
import type { QueuePriorities } from "./queue-order.ts";
import { stderrLogger } from "./stderr-logger.ts";

/** Options of a server. Asynq: `Config`. Durations are milliseconds. The limits on what is kept should be the same on all servers and ticks. */
export interface Config extends LimitOptions {
  /**
   * How many handlers run at once. Default: the number of CPUs. More suits handlers that wait on I/O; every one of them may run again
   * after a crash.
   */
  readonly concurrency?: number | undefined;
  /**
   * The queues to serve and their priorities, whole numbers; a priority below 1 is left out, as in Asynq. Default `{ default: 1 }`. A
   * queue of priority 6 is looked at first six times as often as one of priority 1.
   */
  readonly queues?: QueuePriorities | undefined;
  /** Serves a queue only while all of higher priority are empty. Default false. A busy high queue then starves the low ones. */
  readonly strictPriority?: boolean | undefined;
  /**
   * How long a failed task waits, milliseconds, given how many failures were counted before this one. Default: Asynq's n⁴ + 15 + r·(n+1)
   * seconds, r drawn from 0 to 29. One that throws or answers no number of 0 or more is replaced by the default.
   */
  readonly retryDelayFunc?: ((retried: number, error: unknown, task: ProcessingTask) => number) | undefined;
  /**
   * Whether an error is the task's failure. One that is not (a rate limit, say) is tried again without charging a retry; a task whose
   * retries are used up is archived all the same, as in Asynq. Default: every error is.
   */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /**
   * Told of every run that failed, before its outcome is written: also of revoked tasks, skipped retries and lost leases, as in Asynq. Not
   * waited for; what it throws is logged.
   */
  readonly errorHandler?: ((task: ProcessingTask, error: unknown) => void | Promise<void>) | undefined;
  /** Makes what a handler finds as `task.context`, once a run. Default: nothing. Asynq: `BaseContext`. */
  readonly baseContext?: (() => unknown) | undefined;
  /** Where the log goes. Default: stderr, in Asynq's format. */
  readonly logger?: Logger | undefined;
  /** From which level on. Default `"info"`. */
  readonly logLevel?: LogLevel | undefined;
  /**
   * How long `shutdown` waits for handlers; what still runs then is requeued, no retry charged. The signals of the rest abort
   * `abortGraceMs` before. Default 8,000. Keep it below what your platform grants (Kubernetes 30 s, Docker 10 s). With Redis away
   * a shutdown takes longer: outcomes are tried until their lease ends, for up to 30 s, and the rest takes up to 5 s.
   */
  readonly shutdownTimeoutMs?: number | undefined;
  /** How long an idle server waits before it looks again: half of it plus a random part of it. Default 1,000. Less is quicker and costs Redis more. */
  readonly taskCheckIntervalMs?: number | undefined;
  /**
   * How often due scheduled and retry tasks are made pending; `false` where cron functions do it. A server that Redis tells of changes leaves
   * out what would find nothing, of this and of the next, and of `janitorIntervalMs`. Default 5,000.
   */
  readonly delayedTaskCheckIntervalMs?: number | false | undefined;
  /** How often tasks of lost workers are taken back, the first time at start; `false` where cron functions do it. Default 60,000. */
  readonly recoverIntervalMs?: number | false | undefined;
  /**
   * Makes one task of the tasks of a group. Default: none, and this server aggregates nothing. It may be called again for the same tasks
   * after a crash, and for other groups while it runs, nine at once at most.
   */
  readonly groupAggregator?: GroupAggregator | undefined;
  /** A group is aggregated when no task was added to it for so long; at least 1,000. Default 60,000. Cut to whole seconds, as in Asynq. */
  readonly groupGracePeriodMs?: number | undefined;
  /** … or when its oldest task has waited for so long; 0 is never. Default 0. */
  readonly groupMaxDelayMs?: number | undefined;
  /** … or as soon as it has so many tasks, which is also the most that are aggregated into one; 0 is any number. Default 0. */
  readonly groupMaxSize?: number | undefined;
  /** How often tasks are deleted that their retention or a limit no longer keeps; `false` where cron functions do it. Default 8,000. */
  readonly janitorIntervalMs?: number | false | undefined;
  /** How often what Go's scripts, evictions and restored backups leave behind is put right; `false` where cron functions do it. Default 300,000. */
  readonly repairIntervalMs?: number | false | undefined;
  /** How many of them at once, up to 1,000. Default 100; more holds Redis for longer. */
  readonly janitorBatchSize?: number | undefined;
  /**
   * How often leases are extended and Redis is told of the server, at most 10,000, a third of a lease. While no task runs Redis is told every
   * minute. Default 5,000.
   */
  readonly heartbeatIntervalMs?: number | undefined;
  /**
   * How long a handler may take to end after its signal aborted; what it returns in that time still counts. Then its outcome is written
   * and the handler is leaked: its slot stays taken until it ends. Default 1,000.
   */
  readonly abortGraceMs?: number | undefined;
  /** With so many leaked handlers the server takes no more tasks and is not healthy. Default: `concurrency`. */
  readonly maxLeaked?: number | undefined;
  /**
   * What becomes of a task whose run is canceled, if its handler does not say: `"retry"` counts a failure, as in Asynq; `"archive"`;
   * `"delete"`. Default `"retry"`.
   */
  readonly onCancel?: OnCancel | undefined;
  /** Told every `healthCheckIntervalMs` that Redis answers (nothing), or why it does not. Default: none, and nobody asks. */
  readonly healthCheckFunc?: HealthCheckFunc | undefined;
  /** Default 15,000. */
  readonly healthCheckIntervalMs?: number | undefined;
  /** Whether a task with `maxRetry` 0 is run again after its worker was lost. Default false: it is archived, as in Asynq. */
  readonly recoverNoRetry?: boolean | undefined;
  /**
   * What Redis must be set up for, looked at by `start`: `fsync` wants `appendfsync always`, `replicated` a replica. It says nothing of what
   * others enqueue: they ask for themselves (`durableRedis`). Default `"none"`.
   */
  readonly durability?: Durability | undefined;
  /**
   * How many replicas `replicated` means: their count, all of them, where a failover may come while the master is well. Default 1. See
   * `docs/guarantees.md`.
   */
  readonly replicas?: number | undefined;
  /**
   * What becomes of a task for whose type the mux has no handler: false (default), a failure, as in Asynq; true, it is put off for a server
   * that has one, nothing charged: after 1 s, 2 s, 4 s … 60 s; the eleventh time in a row it fails. For queues that servers of several kinds
   * or versions share.
   */
  readonly handBackUnknown?: boolean | undefined;
  /**
   * Whether a promise that a handler left behind, and that rejects with nobody waiting for it, is logged and counted (`strayRejections`) with
   * its task's name, instead of ending the process as Node has it. Its task's outcome stays what the handler makes it. Default false: a
   * library does not change what ends a process unless it is told to. Rejections of any other code end it as before.
   */
  readonly catchStrayRejections?: boolean | undefined;
  /** The clock of all timers and times but those of I/O. Default: the machine's, corrected by Redis' own at the start and with each beat. */
  readonly clock?: Clock | undefined;
  /** For tests. */
  readonly random?: Random | undefined;
}

/** A config with every default in its place. */
export interface Settings {
  readonly concurrency: number;
  readonly queues: QueuePriorities;
  readonly strictPriority: boolean;
  readonly retryDelayMs: (retried: number, error: unknown, task: ProcessingTask) => number;
  /** Asynq's formula, where the user's function cannot be used. */
  readonly defaultDelayMs: (retried: number) => number;
  readonly isFailure: (error: unknown) => boolean;
  readonly errorHandler: Config["errorHandler"];
  readonly baseContext: (() => unknown) | undefined;
  readonly logger: Logger;
  readonly shutdownTimeoutMs: number;
  readonly taskCheckIntervalMs: number;
  readonly forwardIntervalMs: number | false;
  readonly recoverIntervalMs: number | false;
  readonly groupAggregator: GroupAggregator | undefined;
  readonly groupGracePeriodMs: number;
  readonly groupMaxDelayMs: number;
  readonly groupMaxSize: number;
  readonly janitorIntervalMs: number | false;
  readonly repairIntervalMs: number | false;
  readonly janitorBatchSize: number;
  readonly limits: Limits;
  readonly heartbeatIntervalMs: number;
  readonly abortGraceMs: number;
  readonly maxLeaked: number;
  readonly onCancel: OnCancel;
  readonly healthCheckFunc: HealthCheckFunc | undefined;
  readonly healthCheckIntervalMs: number;
  readonly recoverNoRetry: boolean;
  readonly durability: Durability;
  readonly replicas: number;
  readonly handBackUnknown: boolean;
  readonly catchStrayRejections: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether clock and chance are the machine's, as a thread has them too. */
  readonly machineTime: boolean;
}

/**
 * Checks a config and fills in Asynq's defaults. Does no I/O.
 * @throws {InvalidOptionError} names the option
 * @see Asynq server.go, `NewServer`
 */
export function checkConfig(config: Config): Settings {
  const { clock = correctedClock(systemClock), random = systemRandom } = config;
  // Asynq reads "none" and less as the default.
  const concurrency = whole("concurrency", config.concurrency ?? 0, Number.NEGATIVE_INFINITY);
  const slots = concurrency < 1 ? availableParallelism() : concurrency;
  const defaultDelayMs = (retried: number): number => defaultRetryDelayMs(retried, random);
  return {
    concurrency: slots,
    queues: checkQueues(config.queues ?? {}),
    strictPriority: flag("strictPriority", config.strictPriority),
    retryDelayMs: func("retryDelayFunc", config.retryDelayFunc) ?? defaultDelayMs,
    defaultDelayMs,
    isFailure: func("isFailure", config.isFailure) ?? (() => true),
    errorHandler: func("errorHandler", config.errorHandler),
    baseContext: func("baseContext", config.baseContext),
    logger: leveled(checkLogger(config.logger) ?? stderrLogger(clock), parseLogLevel(config.logLevel ?? "info")),
    shutdownTimeoutMs: duration("shutdownTimeoutMs", config.shutdownTimeoutMs ?? 8_000, 0),
    taskCheckIntervalMs: duration("taskCheckIntervalMs", config.taskCheckIntervalMs ?? 1_000, 1),
    forwardIntervalMs: interval("delayedTaskCheckIntervalMs", config.delayedTaskCheckIntervalMs ?? 5_000),
    recoverIntervalMs: interval("recoverIntervalMs", config.recoverIntervalMs ?? 60_000),
    groupAggregator: func("groupAggregator", config.groupAggregator),
    groupGracePeriodMs: duration("groupGracePeriodMs", config.groupGracePeriodMs ?? 60_000, 1_000),
    groupMaxDelayMs: duration("groupMaxDelayMs", config.groupMaxDelayMs ?? 0, 0),
    groupMaxSize: whole("groupMaxSize", config.groupMaxSize ?? 0, 0),
    repairIntervalMs: interval("repairIntervalMs", config.repairIntervalMs ?? 300_000),
    janitorIntervalMs: interval("janitorIntervalMs", config.janitorIntervalMs ?? 8_000),
    janitorBatchSize: whole("janitorBatchSize", config.janitorBatchSize ?? defaultJanitorBatchSize, 1, maxJanitorBatchSize),
    limits: checkLimits(config),
    heartbeatIntervalMs: duration("heartbeatIntervalMs", config.heartbeatIntervalMs ?? 5_000, 1, (leaseSec * 1000) / 3),
    abortGraceMs: duration("abortGraceMs", config.abortGraceMs ?? 1_000, 0, (leaseSec * 1000) / 3),
    maxLeaked: whole("maxLeaked", config.maxLeaked ?? slots, 1),
    onCancel: oneOf("onCancel", config.onCancel ?? "retry", ["retry", "archive", "delete"]),
    healthCheckFunc: func("healthCheckFunc", config.healthCheckFunc),
    healthCheckIntervalMs: duration("healthCheckIntervalMs", config.healthCheckIntervalMs ?? 15_000, 1),
    recoverNoRetry: flag("recoverNoRetry", config.recoverNoRetry),
    durability: oneOf("durability", config.durability ?? "none", ["none", "fsync", "replicated"]),
    replicas: whole("replicas", config.replicas ?? 1, 1),
    handBackUnknown: flag("handBackUnknown", config.handBackUnknown),
    catchStrayRejections: flag("catchStrayRejections", config.catchStrayRejections),
    clock,
    random,
    machineTime: config.clock === undefined && config.random === undefined,
  };
}

function oneOf<W extends string>(option: string, value: W, words: readonly W[]): W {
  if (!words.includes(value)) throw new InvalidOptionError(option, `expected one of ${words.join(", ")}`);
  return value;
}

/** Names are taken as they are, so that queues that Go named are served too; only blank ones and priorities below 1 are left out. */
function checkQueues(queues: QueuePriorities): QueuePriorities {
  if (typeof queues !== "object" || queues === null || Array.isArray(queues))
    throw new InvalidOptionError("queues", "expected an object of name and priority");
  const checked: [string, number][] = [];
  for (const [name, priority] of Object.entries(queues)) {
    if (!name.isWellFormed()) throw new InvalidOptionError("queues", "expected names of well-formed Unicode");
    if (!Number.isSafeInteger(priority) || priority > 1_000_000)
      throw new InvalidOptionError("queues", `expected a whole number up to 1,000,000 as the priority of "${name}"`);
    if (name.trim() !== "" && priority > 0) checked.push([name, priority]);
  }
  return Object.fromEntries(checked.length === 0 ? [[defaultQueue, 1]] : checked);
}

function checkLogger(logger: Logger | undefined): Logger | undefined {
  if (logger === undefined) return undefined;
  for (const level of ["debug", "info", "warn", "error"] as const) {
    if (typeof logger?.[level] !== "function") throw new InvalidOptionError("logger", "expected debug, info, warn and error as functions");
  }
  return logger;
}

// biome-ignore lint/suspicious/noExplicitAny: any function's arguments
function func<F extends (...args: any[]) => unknown>(option: string, value: F | undefined): F | undefined {
  if (value !== undefined && typeof value !== "function") throw new InvalidOptionError(option, "expected a function");
  return value;
}

function flag(option: string, value: boolean | undefined): boolean {
  if (value !== undefined && typeof value !== "boolean") throw new InvalidOptionError(option, "expected true or false");
  return value ?? false;
}

function whole(option: string, value: number, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const bounds = `${least >= 0 ? ` from ${least}` : ""}${most === Number.MAX_SAFE_INTEGER ? "" : ` up to ${most}`}`;
    throw new InvalidOptionError(option, `expected a whole number${bounds}`);
  }
  return value;
}

function duration(option: string, value: number, leastMs: number, mostMs: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== "number" || !(value >= leastMs && value <= mostMs)) {
    const most = mostMs === Number.MAX_SAFE_INTEGER ? "" : ` up to ${mostMs}`;
    throw new InvalidOptionError(option, `expected milliseconds from ${leastMs}${most}`);
  }
  return value;
}

function interval(option: string, value: number | false): number | false {
  return value === false ? false : duration(option, value, 1);
}
