import { DecodeError } from "../errors.ts";
import type { TaskMessage } from "../task-message.ts";
import { asynq } from "./generated/task-message.ts";
import { exactNumber, type Int64, type MessageReader, ownBytes, ownRecord, readMessage } from "./read-message.ts";

interface ReadTaskMessage {
  readonly type: string;
  readonly payload: Uint8Array;
  readonly id: string;
  readonly queue: string;
  readonly retry: number;
  readonly retried: number;
  readonly errorMsg: string;
  readonly timeout: Int64;
  readonly deadline: Int64;
  readonly uniqueKey: string;
  readonly lastFailedAt: Int64;
  readonly retention: Int64;
  readonly completedAt: Int64;
  readonly groupKey: string;
  readonly headers: Readonly<Record<string, string>>;
}

const code: MessageReader<ReadTaskMessage> = asynq.TaskMessage;

/**
 * Reads a stored task. Zero and empty are absent here, but for `retry` and `retried`; fields that are not known are passed over.
 *
 * The payload is a copy; headers have no prototype.
 * @param where what the bytes are, for the error: `the message of task "…" of queue "…"`
 * @throws {DecodeError} no protobuf message, text that is not UTF-8, a number beyond 2^53 - 1, or a blank id or type
 * @see Asynq internal/base/base.go, `DecodeMessage`
 */
export function decodeTaskMessage(bytes: Uint8Array, where: string): TaskMessage {
  const read = readMessage(code, bytes, where);
  if (read.id.trim() === "") throw new DecodeError(where, "its id is blank");
  if (read.type.trim() === "") throw new DecodeError(where, "its type is blank");
  const seconds = (value: Int64): number | undefined => exactNumber(value, where) || undefined;
  return {
    type: read.type,
    payload: ownBytes(read.payload),
    id: read.id,
    queue: read.queue,
    retry: read.retry,
    retried: read.retried,
    errorMsg: read.errorMsg || undefined,
    timeoutSec: seconds(read.timeout),
    deadlineSec: seconds(read.deadline),
    uniqueKey: read.uniqueKey || undefined,
    lastFailedAtSec: seconds(read.lastFailedAt),
    retentionSec: seconds(read.retention),
    completedAtSec: seconds(read.completedAt),
    groupKey: read.groupKey || undefined,
    headers: Object.keys(read.headers).length === 0 ? undefined : ownRecord(read.headers),
  };
}
