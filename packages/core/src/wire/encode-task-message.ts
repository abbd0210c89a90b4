import type { TaskMessage } from "../task-message.ts";
import { beginMessage, endMessage, maxInt32, writeEntry, writeInteger, writeSized, writeText, writtenBytes } from "./field-writer.ts";
import type { MarkedBytes } from "./marked-bytes.ts";

/**
 * Writes a new task as Asynq stores it, the payload marked: Go's bytes, with the headers sorted by key.
 *
 * The bytes are a part of a larger buffer, as those of Node's `Buffer` are: nobody writes there again.
 *
 * Fields go in the order of their numbers and are left out when zero or empty; text is made well-formed. A stored message is not for
 * this: see `patchTaskMessage`.
 * @throws {InvalidOptionError} a number is no whole number, or is larger than its field (2^31 - 1 for retries, 2^53 - 1 for seconds)
 * @see Asynq internal/base/base.go, `EncodeMessage`
 */
export function encodeTaskMessage(message: TaskMessage): MarkedBytes {
  const { payload, headers = {} } = message;
  const payloadLength = payload?.length ?? 0;
  beginMessage(512 + payloadLength);
  writeText(1, message.type);
  if (payload?.length) writeSized(2, payload);
  const textEnd = writtenBytes();
  writeText(3, message.id);
  writeText(4, message.queue);
  writeInteger(5, message.retry, "retry", maxInt32);
  writeInteger(6, message.retried, "retried", maxInt32);
  writeText(7, message.errorMsg);
  writeInteger(8, message.timeoutSec, "timeoutSec");
  writeInteger(9, message.deadlineSec, "deadlineSec");
  writeText(10, message.uniqueKey);
  writeInteger(11, message.lastFailedAtSec, "lastFailedAtSec");
  writeInteger(12, message.retentionSec, "retentionSec");
  writeInteger(13, message.completedAtSec, "completedAtSec");
  writeText(14, message.groupKey);
  for (const key of Object.keys(headers).sort()) writeEntry(15, key, headers[key]!);
  return { bytes: endMessage(), textStart: textEnd - payloadLength, textEnd };
}
