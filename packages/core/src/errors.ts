/**
 * Every error of asynqjs, with a stable `code`. Across packages test `error.code`, not `instanceof`: two copies of a package make two classes.
 * Messages name queue and id, never a payload, a header value or a secret.
 * @module
 */

export type ErrorCode =
  | "INVALID_OPTION"
  | "INVALID_PAYLOAD"
  | "CRON_SPEC"
  | "TASK_ID_CONFLICT"
  | "DUPLICATE_TASK"
  | "LEASE_EXPIRED"
  | "LEASE_LOST"
  | "SET_LOST"
  | "STALE_CALL"
  | "SKIP_RETRY"
  | "REVOKE_TASK"
  | "HANDLER_NOT_FOUND"
  | "DEADLINE_EXCEEDED"
  | "CANCELED"
  | "DECODE"
  | "REDIS"
  | "REDIS_VERSION"
  | "CLOCK_SKEW"
  | "DURABILITY"
  | "SERVER_STATE"
  | "CRON_ENTRY_EXISTS"
  | "CRON_ENTRY_NOT_FOUND"
  | "CRON_ENTRY_VERSION"
  | "QUEUE_NOT_FOUND"
  | "QUEUE_NOT_EMPTY"
  | "TASK_NOT_FOUND"
  | "TASK_STATE";

/** What every asynqjs error is; catch this to catch all. */
export abstract class AsynqError extends Error {
  // Said, since a bundler may give the class another: so does each of the others.
  static override readonly name: string = "AsynqError";
  abstract readonly code: ErrorCode;
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
  override get name(): string {
    return this.constructor.name;
  }
}

/** An option, a task or a setting that cannot be used: names it and what was expected. Thrown before any I/O. */
export class InvalidOptionError extends AsynqError {
  static override readonly name = "InvalidOptionError";
  readonly code = "INVALID_OPTION";
  /** The option's name as the caller wrote it, such as `retentionSec`. */
  declare readonly option: string;

  constructor(option: string, expected: string, cause?: unknown) {
    super(`invalid ${option}: ${expected}`, cause);
    this.option = option;
  }
}

/** A payload that its task's schema does not take: says where, never what is there. Thrown before any I/O; in a handler the task is archived. */
export class InvalidPayloadError extends AsynqError {
  static override readonly name = "InvalidPayloadError";
  readonly code = "INVALID_PAYLOAD";
  /** The places that do not fit, such as `items[0].price`; `""` is the payload itself. */
  readonly paths: readonly string[];

  constructor(type: string, paths: readonly string[]) {
    const shown = paths.slice(0, 10).map((path) => (path === "" ? "the top" : `"${path.slice(0, 100).toWellFormed()}"`));
    const more = paths.length > shown.length ? ` and ${paths.length - shown.length} more` : "";
    super(`invalid payload of a task of type "${type}": at ${shown.join(", ")}${more}`);
    this.paths = paths;
  }
}

/** A cron spec that cannot be read: says why, in the words of robfig/cron, which Asynq reads them with. Thrown before any I/O. */
export class CronSpecError extends AsynqError {
  static override readonly name = "CronSpecError";
  readonly code = "CRON_SPEC";
  /** The spec as it was given. */
  readonly spec: string;

  constructor(spec: string, why: string) {
    super(why);
    this.spec = spec;
  }
}

/** A task with this id is in the queue already, in whatever state. Asynq: `ErrTaskIDConflict`. */
export class TaskIdConflictError extends AsynqError {
  static override readonly name = "TaskIdConflictError";
  readonly code = "TASK_ID_CONFLICT";

  constructor(queue: string, id: string) {
    super(`task ID conflicts with another task: queue="${queue}" id="${id}"`);
  }
}

/** Another task holds the unique lock. Asynq: `ErrDuplicateTask`. */
export class DuplicateTaskError extends AsynqError {
  static override readonly name = "DuplicateTaskError";
  readonly code = "DUPLICATE_TASK";

  constructor(queue: string, type: string) {
    super(`task already exists: queue="${queue}" type="${type}"`);
  }
}

/** The lease of a task passed before its worker settled it; stored as the task's error, and the reason of its signal. Asynq: `ErrLeaseExpired`. */
export class LeaseExpiredError extends AsynqError {
  static override readonly name = "LeaseExpiredError";
  readonly code = "LEASE_EXPIRED";

  constructor() {
    super("asynq: task lease expired");
  }
}

/** The task belongs to someone else by now, or is settled: nothing was written. */
export class LeaseLostError extends AsynqError {
  static override readonly name = "LeaseLostError";
  readonly code = "LEASE_LOST";

  constructor(queue: string, id: string) {
    super(`lease lost: queue="${queue}" id="${id}"`);
  }
}

/** The tasks of an aggregation set were given back to their group, or are aggregated already: nothing was written. */
export class AggregationSetLostError extends AsynqError {
  static override readonly name = "AggregationSetLostError";
  readonly code = "SET_LOST";

  constructor(queue: string, group: string) {
    super(`aggregation set lost: queue="${queue}" group="${group}"`);
  }
}

/** A run took longer than its timeout or went past its deadline; stored as the task's error, in Go's words. Go: `context.DeadlineExceeded`. */
export class DeadlineExceededError extends AsynqError {
  static override readonly name = "DeadlineExceededError";
  readonly code = "DEADLINE_EXCEEDED";

  constructor(cause?: unknown) {
    super("context deadline exceeded", cause);
  }
}

/** Somebody asked for the end of the run (`cancelProcessing`); stored as the task's error, in Go's words. Go: `context.Canceled`. */
export class CanceledError extends AsynqError {
  static override readonly name = "CanceledError";
  readonly code = "CANCELED";

  constructor(cause?: unknown) {
    super("context canceled", cause);
  }
}

/** No handler is registered for the task's type. Asynq: `ErrHandlerNotFound`. */
export class HandlerNotFoundError extends AsynqError {
  static override readonly name = "HandlerNotFoundError";
  readonly code = "HANDLER_NOT_FOUND";

  constructor(type: string) {
    super(`handler not found for task "${type}"`);
  }
}

/** A server was told something that its state does not allow. Asynq: `ErrServerClosed` and its unnamed neighbours. */
export class ServerStateError extends AsynqError {
  static override readonly name = "ServerStateError";
  readonly code = "SERVER_STATE";
}

/** There is no queue of this name: nothing was ever enqueued to it, or it was removed. Asynq: `ErrQueueNotFound`. */
export class QueueNotFoundError extends AsynqError {
  static override readonly name = "QueueNotFoundError";
  readonly code = "QUEUE_NOT_FOUND";

  constructor(queue: string) {
    super(`queue not found: queue="${queue}"`);
  }
}

/** The queue holds tasks, or runs some, and was not removed. Asynq: `ErrQueueNotEmpty`. */
export class QueueNotEmptyError extends AsynqError {
  static override readonly name = "QueueNotEmptyError";
  readonly code = "QUEUE_NOT_EMPTY";

  constructor(queue: string, why = "queue is not empty") {
    super(`${why}: queue="${queue}"`);
  }
}

/** The queue has no task with this id. Asynq: `ErrTaskNotFound`. */
export class TaskNotFoundError extends AsynqError {
  static override readonly name = "TaskNotFoundError";
  readonly code = "TASK_NOT_FOUND";

  constructor(queue: string, id: string) {
    super(`task not found: queue="${queue}" id="${id}"`);
  }
}

/** The task is in a state in which that cannot be done; nothing was written. */
export class TaskStateError extends AsynqError {
  static override readonly name = "TaskStateError";
  readonly code = "TASK_STATE";

  /** `why` as in `cannot archive a task that is active`. */
  constructor(queue: string, id: string, why: string) {
    super(`${why}: queue="${queue}" id="${id}"`);
  }
}

/** A call arrived after a later one on the same lane; nothing was written. */
export class StaleCallError extends AsynqError {
  static override readonly name = "StaleCallError";
  readonly code = "STALE_CALL";

  constructor(script: string) {
    super(`stale call of script "${script}": a later call of this lane was answered before; nothing was written`);
  }
}

/** Stored bytes that cannot be read as what they should be. Names the place, never the bytes. */
export class DecodeError extends AsynqError {
  static override readonly name = "DecodeError";
  readonly code = "DECODE";

  constructor(what: string, why: string, cause?: unknown) {
    super(`cannot decode ${what}: ${why}`, cause);
  }
}

/** Whether what was sent may have been carried out: `no`, or `unknown` once the first byte left and no answer came. */
export type Delivered = "no" | "unknown";

/**
 * Redis, or the way to it, failed.
 *
 * `delivered: "no"` means nothing was written, so a caller may try again as it likes; `"unknown"` means it may have been written:
 * repeat only the same call. `reply` is the error code word of Redis (`WRONGTYPE`, `OOM`, `NOSCRIPT`, …) when Redis itself refused;
 * `status` the HTTP status when a gateway did.
 */
export class RedisError extends AsynqError {
  static override readonly name = "RedisError";
  readonly code = "REDIS";
  declare readonly delivered: Delivered;
  declare readonly reply: string | undefined;
  declare readonly status: number | undefined;

  constructor(
    message: string,
    { delivered, reply, status, cause }: { delivered: Delivered; reply?: string | undefined; status?: number | undefined; cause?: unknown },
  ) {
    super(message, cause);
    this.delivered = delivered;
    this.reply = reply;
    this.status = status;
  }

  /** The same error, of a call that an earlier try may have carried out: `delivered` is `"unknown"`. */
  asUnknown(): RedisError {
    return new RedisError(this.message, { ...this, delivered: "unknown", cause: this.cause });
  }
}

/** The Redis is older than 6.2, the oldest asynqjs works with. */
export class RedisVersionError extends AsynqError {
  static override readonly name = "RedisVersionError";
  readonly code = "REDIS_VERSION";

  constructor(found: string) {
    super(`Redis ${found} is too old: asynqjs needs 6.2 or newer`);
  }
}

/** This machine's clock and that of Redis are so far apart that leases and due times mean nothing. */
export class ClockSkewError extends AsynqError {
  static override readonly name = "ClockSkewError";
  readonly code = "CLOCK_SKEW";
  /** How far Redis' clock is ahead of ours; negative when it is behind. */
  readonly offsetMs: number;

  constructor(offsetMs: number, mostMs: number) {
    super(
      `the clock of Redis is ${Math.round(offsetMs / 1000)} s ahead of this machine's: expected at most ${mostMs / 1000} s between them`,
    );
    this.offsetMs = offsetMs;
  }
}

/** The Redis, or the way to it, cannot keep what it acknowledges as safe as was asked. */
export class DurabilityError extends AsynqError {
  static override readonly name = "DurabilityError";
  readonly code = "DURABILITY";

  constructor(tier: string, expected: string) {
    super(`durability ${tier} cannot be had: ${expected}`);
  }
}

/** A cron entry with this id is there already. */
export class CronEntryExistsError extends AsynqError {
  static override readonly name = "CronEntryExistsError";
  readonly code = "CRON_ENTRY_EXISTS";

  constructor(id: string) {
    super(`cron entry exists: id="${id}"`);
  }
}

/** There is no cron entry with this id. */
export class CronEntryNotFoundError extends AsynqError {
  static override readonly name = "CronEntryNotFoundError";
  readonly code = "CRON_ENTRY_NOT_FOUND";

  constructor(id: string) {
    super(`cron entry not found: id="${id}"`);
  }
}

/** Somebody else changed the cron entry since it was read: read it again, and decide anew. */
export class CronEntryVersionError extends AsynqError {
  static override readonly name = "CronEntryVersionError";
  readonly code = "CRON_ENTRY_VERSION";

  constructor(id: string) {
    super(`cron entry was changed by somebody else: id="${id}"`);
  }
}
