/**
 * What a scheduler tells about its entries and what it enqueued.
 * @see Asynq internal/base/base.go, `SchedulerEntry`, `SchedulerEnqueueEvent`
 * @module
 */
import { asynq } from "./generated/server-records.ts";
import { type MessageReader, ownBytes, readMessage } from "./read-message.ts";
import { readTimestamp, type Timestamp, writeTimestamp } from "./timestamp.ts";
import { type MessageWriter, writeMessage } from "./write-message.ts";

/** A periodic task, an item of the list `asynq:schedulers:{…}`. */
export interface SchedulerEntry {
  readonly id: string;
  /** The cron spec as it was given. */
  readonly spec: string;
  readonly taskType: string;
  readonly taskPayload?: Uint8Array | undefined;
  /** Options in Asynq's text form, such as `Queue("low")`. */
  readonly enqueueOptions: readonly string[];
  /** Nanoseconds since 1970. */
  readonly nextEnqueueAtNs: bigint | undefined;
  /** Nanoseconds since 1970; `goZeroTimeNs` when it never was enqueued. */
  readonly prevEnqueueAtNs: bigint | undefined;
}

/** One task that a scheduler enqueued, a member of `asynq:scheduler_history:<entry id>`. */
export interface SchedulerEnqueueEvent {
  readonly taskId: string;
  /** Nanoseconds since 1970. */
  readonly enqueuedAtNs: bigint | undefined;
}

interface StoredSchedulerEntry extends Omit<SchedulerEntry, "taskPayload" | "nextEnqueueAtNs" | "prevEnqueueAtNs"> {
  readonly taskPayload: Uint8Array;
  readonly nextEnqueueTime?: Timestamp | null | undefined;
  readonly prevEnqueueTime?: Timestamp | null | undefined;
}

interface StoredEnqueueEvent {
  readonly taskId: string;
  readonly enqueueTime?: Timestamp | null | undefined;
}

const entryCode: MessageReader<StoredSchedulerEntry> & MessageWriter<StoredSchedulerEntry> = asynq.SchedulerEntry;
const eventCode: MessageReader<StoredEnqueueEvent> & MessageWriter<StoredEnqueueEvent> = asynq.SchedulerEnqueueEvent;

/**
 * Reads an entry. The payload is a copy.
 * @param where what the bytes are, for the error
 * @throws {DecodeError}
 * @see Asynq internal/base/base.go, `DecodeSchedulerEntry`
 */
export function decodeSchedulerEntry(bytes: Uint8Array, where: string): SchedulerEntry {
  const read = readMessage(entryCode, bytes, where);
  return {
    id: read.id,
    spec: read.spec,
    taskType: read.taskType,
    taskPayload: ownBytes(read.taskPayload),
    enqueueOptions: [...read.enqueueOptions],
    nextEnqueueAtNs: readTimestamp(read.nextEnqueueTime),
    prevEnqueueAtNs: readTimestamp(read.prevEnqueueTime),
  };
}

/**
 * Writes an entry as Asynq does; text is made well-formed.
 * @throws {InvalidOptionError} a time outside of the years 1 to 9999
 * @see Asynq internal/base/base.go, `EncodeSchedulerEntry`
 */
export function encodeSchedulerEntry(entry: SchedulerEntry): Uint8Array {
  return writeMessage(entryCode, {
    id: entry.id.toWellFormed(),
    spec: entry.spec.toWellFormed(),
    taskType: entry.taskType.toWellFormed(),
    taskPayload: entry.taskPayload ?? new Uint8Array(),
    enqueueOptions: entry.enqueueOptions.map((option) => option.toWellFormed()),
    nextEnqueueTime: writeTimestamp("nextEnqueueAtNs", entry.nextEnqueueAtNs),
    prevEnqueueTime: writeTimestamp("prevEnqueueAtNs", entry.prevEnqueueAtNs),
  });
}

/**
 * Reads an event.
 * @param where what the bytes are, for the error
 * @throws {DecodeError}
 * @see Asynq internal/base/base.go, `DecodeSchedulerEnqueueEvent`
 */
export function decodeSchedulerEnqueueEvent(bytes: Uint8Array, where: string): SchedulerEnqueueEvent {
  const read = readMessage(eventCode, bytes, where);
  return { taskId: read.taskId, enqueuedAtNs: readTimestamp(read.enqueueTime) };
}

/**
 * Writes an event as Asynq does; text is made well-formed.
 * @throws {InvalidOptionError} a time outside of the years 1 to 9999
 * @see Asynq internal/base/base.go, `EncodeSchedulerEnqueueEvent`
 */
export function encodeSchedulerEnqueueEvent(event: SchedulerEnqueueEvent): Uint8Array {
  return writeMessage(eventCode, {
    taskId: event.taskId.toWellFormed(),
    enqueueTime: writeTimestamp("enqueuedAtNs", event.enqueuedAtNs),
  });
}
