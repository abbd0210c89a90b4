import type { TaskMessageChanges } from "../task-message.ts";
import {
  beginMessage,
  endMessage,
  maxInt32,
  maxInt64,
  writeInteger,
  writeRaw,
  writeSized,
  writeText,
  writtenBytes,
} from "./field-writer.ts";
import type { MarkedBytes } from "./marked-bytes.ts";
import { scanFields } from "./scan-fields.ts";

/** What may change, in the order of the fields' numbers. */
const changeable = [
  { field: 2, name: "payload" },
  { field: 6, name: "retried" },
  { field: 7, name: "errorMsg" },
  { field: 10, name: "uniqueKey" },
  { field: 11, name: "lastFailedAtSec" },
  { field: 13, name: "completedAtSec" },
] as const satisfies readonly { field: number; name: keyof TaskMessageChanges }[];

/**
 * Changes fields of a stored task, the payload marked. It is not decoded: each field that changes is dropped wherever it stands and
 * written once in its place; every other byte stays, so fields of a newer Asynq, 64-bit numbers and the order of headers are kept.
 *
 * Takes time linear in the message. What `decodeTaskMessage` reads, this patches.
 * @throws {DecodeError} the bytes are not a protobuf message
 * @throws {InvalidOptionError} a number is no whole number, or is larger than its field
 * @see Asynq internal/rdb/rdb.go, `Retry`, where the whole message is written anew
 */
export function patchTaskMessage(bytes: Uint8Array, changes: TaskMessageChanges): MarkedBytes {
  const changed = changeable.filter(({ name }) => Object.hasOwn(changes, name));
  beginMessage(bytes.length + 64);
  let written = 0;
  let copied = 0;
  let textStart = 0;
  let textEnd = 0;

  const copyTo = (end: number): void => {
    writeRaw(bytes.subarray(copied, end));
    copied = end;
  };
  const writeUpTo = (field: number): void => {
    for (let next = changed[written]; next !== undefined && next.field < field; next = changed[++written]) {
      if (next.name === "errorMsg" || next.name === "uniqueKey") writeText(next.field, changes[next.name]);
      else if (next.name === "payload") {
        if (changes.payload?.length) writeSized(next.field, changes.payload);
        textEnd = writtenBytes();
        textStart = textEnd - (changes.payload?.length ?? 0);
      } else writeInteger(next.field, changes[next.name], next.name, next.name === "retried" ? maxInt32 : maxInt64);
    }
  };

  scanFields(bytes, "a task message", (field, wireType, start, valueStart, end) => {
    if (written < changed.length && changed[written]!.field < field) {
      copyTo(start);
      writeUpTo(field);
    }
    if (changed.some((change) => change.field === field)) {
      copyTo(start);
      copied = end;
    } else if (field === 2 && wireType === 2) {
      textStart = writtenBytes() + valueStart - copied;
      textEnd = writtenBytes() + end - copied;
    }
  });
  copyTo(bytes.length);
  writeUpTo(Number.POSITIVE_INFINITY);
  return { bytes: endMessage(), textStart, textEnd };
}
