import { describe, expect, test } from "vitest";
import * as errors from "./errors.ts";

test.each([
  [() => new errors.InvalidOptionError("queue", "expected text"), "InvalidOptionError", "INVALID_OPTION", "invalid queue: expected text"],
  [() => new errors.InvalidPayloadError("t", []), "InvalidPayloadError", "INVALID_PAYLOAD", 'invalid payload of a task of type "t": at '],
  [() => new errors.CronSpecError("", "empty spec string"), "CronSpecError", "CRON_SPEC", "empty spec string"],
  [
    () => new errors.TaskIdConflictError("q", "i"),
    "TaskIdConflictError",
    "TASK_ID_CONFLICT",
    'task ID conflicts with another task: queue="q" id="i"',
  ],
  [() => new errors.DuplicateTaskError("q", "t"), "DuplicateTaskError", "DUPLICATE_TASK", 'task already exists: queue="q" type="t"'],
  [() => new errors.LeaseExpiredError(), "LeaseExpiredError", "LEASE_EXPIRED", "asynq: task lease expired"],
  [() => new errors.LeaseLostError("q", "i"), "LeaseLostError", "LEASE_LOST", 'lease lost: queue="q" id="i"'],
  [() => new errors.AggregationSetLostError("q", "g"), "AggregationSetLostError", "SET_LOST", 'aggregation set lost: queue="q" group="g"'],
  [() => new errors.DeadlineExceededError(), "DeadlineExceededError", "DEADLINE_EXCEEDED", "context deadline exceeded"],
  [() => new errors.CanceledError(), "CanceledError", "CANCELED", "context canceled"],
  [() => new errors.HandlerNotFoundError("t"), "HandlerNotFoundError", "HANDLER_NOT_FOUND", 'handler not found for task "t"'],
  [() => new errors.ServerStateError("it is closed"), "ServerStateError", "SERVER_STATE", "it is closed"],
  [() => new errors.QueueNotFoundError("q"), "QueueNotFoundError", "QUEUE_NOT_FOUND", 'queue not found: queue="q"'],
  [() => new errors.QueueNotEmptyError("q"), "QueueNotEmptyError", "QUEUE_NOT_EMPTY", 'queue is not empty: queue="q"'],
  [() => new errors.TaskNotFoundError("q", "i"), "TaskNotFoundError", "TASK_NOT_FOUND", 'task not found: queue="q" id="i"'],
  [() => new errors.TaskStateError("q", "i", "it runs"), "TaskStateError", "TASK_STATE", 'it runs: queue="q" id="i"'],
  [
    () => new errors.StaleCallError("settle"),
    "StaleCallError",
    "STALE_CALL",
    'stale call of script "settle": a later call of this lane was answered before; nothing was written',
  ],
  [() => new errors.DecodeError("a task", "it is empty"), "DecodeError", "DECODE", "cannot decode a task: it is empty"],
  [() => new errors.RedisError("redis is away", { delivered: "no" }), "RedisError", "REDIS", "redis is away"],
  [() => new errors.RedisVersionError("6.0"), "RedisVersionError", "REDIS_VERSION", "Redis 6.0 is too old: asynqjs needs 6.2 or newer"],
  [
    () => new errors.ClockSkewError(400_600, 300_000),
    "ClockSkewError",
    "CLOCK_SKEW",
    "the clock of Redis is 401 s ahead of this machine's: expected at most 300 s between them",
  ],
  [
    () => new errors.DurabilityError("replicated", "expected a replica"),
    "DurabilityError",
    "DURABILITY",
    "durability replicated cannot be had: expected a replica",
  ],
])("error %$ of the list says what it is", (make, name, code, message) => {
  const error = make();
  expect(error).toBeInstanceOf(errors.AsynqError);
  expect([error.name, error.code, error.message, "cause" in error]).toEqual([name, code, message, false]);
  expect((error.constructor as typeof Error).name).toBe(name);
});

describe("an error", () => {
  test("keeps what caused it", () => {
    const cause = new Error("why");
    expect(new errors.DecodeError("a task", "it is cut", cause).cause).toBe(cause);
  });

  test("names a few of the places that do not fit, each in short, and how many more there are", () => {
    const of = (paths: readonly string[]): string => new errors.InvalidPayloadError("t", paths).message.split(": at ")[1]!;
    const many = Array.from({ length: 12 }, (_, i) => `a${i}`);

    expect(of(["", "items[0]"])).toBe('the top, "items[0]"');
    expect(of([`${"x".repeat(99)}\u{1f600}`])).toBe(`"${"x".repeat(99)}\ufffd"`);
    expect(of(many.slice(0, 10))).toBe(
      many
        .slice(0, 10)
        .map((path) => `"${path}"`)
        .join(", "),
    );
    expect(of(many)).toBe(
      `${many
        .slice(0, 10)
        .map((path) => `"${path}"`)
        .join(", ")} and 2 more`,
    );
    expect(new errors.InvalidPayloadError("t", many).paths).toBe(many);
  });

  test("of Redis is told apart by what it answered, and made one whose call may have been carried out", () => {
    const cause = new Error("why");
    const error = new errors.RedisError("redis is full", { delivered: "no", reply: "OOM", status: 503, cause });

    expect(error).toMatchObject({ delivered: "no", reply: "OOM", status: 503, cause });
    expect(error.asUnknown()).toMatchObject({ message: "redis is full", delivered: "unknown", reply: "OOM", status: 503, cause });
    expect(error.delivered).toBe("no");
    expect(new errors.ClockSkewError(-5, 1).offsetMs).toBe(-5);
  });
});
