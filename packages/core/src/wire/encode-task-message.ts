import type { TaskMessage } from "../task-message.ts";
import { FieldWriter, maxInt32 } from "./field-writer.ts";
import type { MarkedBytes } from "./marked-bytes.ts";

/**
 * Writes a new task as Asynq stores it, the payload marked: Go's bytes, with the headers sorted by key.
 *
 * Fields go in the order of their numbers and are left out when zero or empty; text is made well-formed. A stored message is not for
 * this: see `patchTaskMessage`.
 * @throws {InvalidOptionError} a number is no whole number, or is larger than its field (2^31 - 1 for retries, 2^53 - 1 for seconds)
 * @see Asynq internal/base/base.go, `EncodeMessage`
 */
export function encodeTaskMessage(message: TaskMessage): MarkedBytes {
  const { payload, headers = {} } = message;
  const payloadLength = payload?.length ?? 0;
  const writer = new FieldWriter(512 + payloadLength);
  writer.text(1, message.type);
  if (payload?.length) writer.sized(2, payload);
  const textEnd = writer.length;
  writer.text(3, message.id);
  writer.text(4, message.queue);
  writer.integer(5, message.retry, "retry", maxInt32);
  writer.integer(6, message.retried, "retried", maxInt32);
  writer.text(7, message.errorMsg);
  writer.integer(8, message.timeoutSec, "timeoutSec");
  writer.integer(9, message.deadlineSec, "deadlineSec");
  writer.text(10, message.uniqueKey);
  writer.integer(11, message.lastFailedAtSec, "lastFailedAtSec");
  writer.integer(12, message.retentionSec, "retentionSec");
  writer.integer(13, message.completedAtSec, "completedAtSec");
  writer.text(14, message.groupKey);
  for (const key of Object.keys(headers).sort()) {
    // A map's entry has both fields, even when empty.
    const entry = new FieldWriter(64);
    entry.anyText(1, key);
    entry.anyText(2, headers[key]!);
    writer.sized(15, entry.finish());
  }
  return { bytes: writer.finish(), textStart: textEnd - payloadLength, textEnd };
}
