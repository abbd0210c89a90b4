/**
 * Any message that Asynq can store and we can name: text of all scripts, numbers at both ends, absent fields.
 * @module
 */
import type { TaskMessage } from "@asynqjs/core";
import type { SchedulerEnqueueEvent, SchedulerEntry, ServerInfo, WorkerInfo } from "@asynqjs/core/wire";
import fc from "fast-check";

const text = fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.string({ unit: "grapheme", minLength: 60, maxLength: 200 }));
const someText = fc.oneof(text, fc.constant("default")).filter((value) => value.trim() !== "");
const optionalText = fc.option(
  text.filter((value) => value !== ""),
  { nil: undefined },
);
const bytes = fc.option(fc.oneof(fc.uint8Array({ minLength: 1 }), fc.uint8Array({ minLength: 120, maxLength: 400 })), { nil: undefined });
const int32 = fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 0, 127, 128));
const seconds = fc.option(
  fc
    .oneof(
      fc.maxSafeInteger(),
      fc.integer(),
      fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 31, -(2 ** 31) - 1, 2 ** 32),
    )
    .filter((value) => value !== 0),
  { nil: undefined },
);
/** Nanoseconds since 1970, from the year 1 to 9999; absent too. */
const timeNs = fc.option(
  fc.oneof(
    fc.bigInt(-62_135_596_800_000_000_000n, 253_402_300_799_999_999_999n),
    fc.constantFrom(-62_135_596_800_000_000_000n, -1n, 0n, 1n, 1_700_000_000_000_000_000n, 253_402_300_799_999_999_999n),
  ),
  { nil: undefined },
);
/** Protobuf's own tools sort keys by their bytes, we as JavaScript does: that differs only for U+E000 to U+FFFF beside what lies above. */
const key = text.filter((value) => !/[\ue000-\uffff]/.test(value));
const headers = fc.option(
  fc
    .uniqueArray(fc.tuple(fc.oneof(key, fc.constantFrom("__proto__", "constructor", "trace-id", "10", "9", "")), text), {
      selector: ([name]) => name,
      minLength: 1,
      maxLength: 5,
    })
    .map(record),
  { nil: undefined },
);

export const randomTaskMessage: fc.Arbitrary<TaskMessage> = fc.record({
  type: someText,
  payload: bytes,
  id: someText,
  queue: text,
  retry: int32,
  retried: int32,
  errorMsg: optionalText,
  timeoutSec: seconds,
  deadlineSec: seconds,
  uniqueKey: optionalText,
  lastFailedAtSec: seconds,
  retentionSec: seconds,
  completedAtSec: seconds,
  groupKey: optionalText,
  headers,
});

export const randomChanges: fc.Arbitrary<
  Pick<TaskMessage, "payload" | "errorMsg" | "uniqueKey" | "lastFailedAtSec" | "completedAtSec"> & { retried: number }
> = fc.record({
  payload: bytes,
  retried: int32,
  errorMsg: optionalText,
  uniqueKey: optionalText,
  lastFailedAtSec: seconds,
  completedAtSec: seconds,
});

export const randomServerInfo: fc.Arbitrary<ServerInfo> = fc.record({
  host: text,
  pid: int32,
  serverId: someText,
  concurrency: int32,
  queues: fc.uniqueArray(fc.tuple(key, int32), { selector: ([name]) => name, maxLength: 5 }).map(record),
  strictPriority: fc.boolean(),
  status: fc.constantFrom("new", "active", "stopped", "closed", ""),
  startedAtNs: timeNs,
  activeWorkerCount: int32,
});

export const randomWorkerInfo: fc.Arbitrary<WorkerInfo> = fc.record({
  host: text,
  pid: int32,
  serverId: someText,
  taskId: text,
  taskType: text,
  taskPayload: bytes,
  queue: text,
  startedAtNs: timeNs,
  deadlineNs: timeNs,
});

export const randomSchedulerEntry: fc.Arbitrary<SchedulerEntry> = fc.record({
  id: someText,
  spec: text,
  taskType: text,
  taskPayload: bytes,
  enqueueOptions: fc.array(text, { maxLength: 4 }),
  nextEnqueueAtNs: timeNs,
  prevEnqueueAtNs: timeNs,
});

export const randomEnqueueEvent: fc.Arbitrary<SchedulerEnqueueEvent> = fc.record({ taskId: someText, enqueuedAtNs: timeNs });

/** Without a prototype, as our reader makes records: so that the key `__proto__` is one as any other. */
function record<Value>(entries: readonly (readonly [string, Value])[]): Record<string, Value> {
  const made: Record<string, Value> = Object.create(null);
  for (const [name, value] of entries) made[name] = value;
  return made;
}
