/** Messages as the model keeps them: the bytes of the encoder, one character a byte. @module */
import type { TaskMessage, TaskMessageChanges } from "@asynqjs/core";
import { decodeTaskMessage, encodeTaskMessage } from "@asynqjs/core/wire";

/** A field of a newer Asynq, number 20, which stands behind all that are known and has to stay. */
export const unknownField = "\u00a0\u0001\u0007";

export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
export function toBytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

export function messageText(message: TaskMessage): string {
  return toText(encodeTaskMessage(message).bytes);
}

/** The message, or why it cannot be read. */
export function readStored(text: string, queue: string, id: string): TaskMessage | string {
  try {
    return decodeTaskMessage(toBytes(text), `the message of task "${id}" of queue "${queue}"`);
  } catch (error) {
    return (error as Error).message;
  }
}

/** A message with changes, encoded anew, where core patches the stored bytes; Go writes what it knows alone. */
export function changeStored(text: string, changes: TaskMessageChanges, written: "all" | "known" = "all"): string {
  const [known, tail] = text.endsWith(unknownField) ? [text.slice(0, -unknownField.length), unknownField] : [text, ""];
  return messageText({ ...decodeTaskMessage(toBytes(known), ""), ...changes }) + (written === "all" ? tail : "");
}
