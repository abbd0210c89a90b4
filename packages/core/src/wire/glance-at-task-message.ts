import type { TaskMessage } from "../task-message.ts";

/** Texts that a message is likely to hold: found there letter by letter they need not be made anew. */
export interface LikelyTexts {
  readonly id: string;
  readonly queue: string;
}

/** Of field 5, 6, 8, 9, … the tag's byte: wire type 0; of a text or bytes: 2. */
const [number, bytesOf] = [(field: number) => field * 8, (field: number) => field * 8 + 2];
const [type, payload, id, queue] = [1, 2, 3, 4].map(bytesOf);
const [retry, retried, timeout, deadline, retention] = [5, 6, 8, 9, 12].map(number);

/** The last type that was read: most messages have it again. */
let lastType = "";

/**
 * Reads a message of the common kind in one pass, or answers `undefined`: `decodeTaskMessage` reads any, and says what is wrong with one that
 * cannot be read. Common are those fields that a task has which has not failed yet, holds no lock and belongs to no group, in ASCII, each once, numbers
 * below 2^28.
 *
 * The payload is a view of the bytes.
 */
export function glanceAtTaskMessage(bytes: Uint8Array, likely: LikelyTexts): TaskMessage | undefined {
  const end = bytes.length;
  let at = 0;
  let seen = 0;
  let [typeText, idText, queueText] = ["", "", ""];
  let payloadBytes: Uint8Array | undefined;
  let [retryCount, retriedCount, timeoutSec, deadlineSec, retentionSec] = [0, 0, 0, 0, 0];
  while (at < end) {
    const tag = bytes[at++]!;
    const field = 1 << (tag >> 3);
    if (tag > 0x7f || (seen & field) !== 0) return undefined;
    seen |= field;
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21 || at === end) return undefined;
      const byte = bytes[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    if ((tag & 7) === 0) {
      if (tag === retry) retryCount = value;
      else if (tag === retried) retriedCount = value;
      else if (tag === timeout) timeoutSec = value;
      else if (tag === deadline) deadlineSec = value;
      else if (tag === retention) retentionSec = value;
      else return undefined;
      continue;
    }
    const start = at;
    at += value;
    if (at > end) return undefined;
    if (tag === payload) payloadBytes = value === 0 ? undefined : bytes.subarray(start, at);
    else if (tag === id) {
      if (!holds(bytes, start, at, likely.id)) return undefined;
      idText = likely.id;
    } else if (tag === queue) {
      if (!holds(bytes, start, at, likely.queue)) return undefined;
      queueText = likely.queue;
    } else if (tag === type) {
      if (!holds(bytes, start, at, lastType)) {
        const text = asciiText(bytes, start, at);
        if (text === undefined) return undefined;
        lastType = text;
      }
      typeText = lastType;
    } else return undefined;
  }
  if (queueText === "" || idText.trim() === "" || typeText.trim() === "") return undefined;
  return {
    type: typeText,
    payload: payloadBytes,
    id: idText,
    queue: queueText,
    retry: retryCount,
    retried: retriedCount,
    errorMsg: undefined,
    timeoutSec: timeoutSec || undefined,
    deadlineSec: deadlineSec || undefined,
    uniqueKey: undefined,
    lastFailedAtSec: undefined,
    retentionSec: retentionSec || undefined,
    completedAtSec: undefined,
    groupKey: undefined,
    headers: undefined,
  };
}

/** Whether these bytes are that text; another answer than `true` does not say that they are not, where one of the two is not ASCII. */
function holds(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + i]!;
    if (byte > 0x7f || byte !== text.charCodeAt(i)) return false;
  }
  return true;
}

function asciiText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  for (let i = start; i < end; i++) {
    if (bytes[i]! > 0x7f) return undefined;
    text += String.fromCharCode(bytes[i]!);
  }
  return text;
}
