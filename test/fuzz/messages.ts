import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { TaskMessage, TaskMessageChanges } from "@asynqjs/core";
import { DecodeError } from "@asynqjs/core/errors";
import { decodeTaskMessage, encodeTaskMessage, patchTaskMessage } from "@asynqjs/core/wire";
import fc from "fast-check";
import { randomChanges } from "../support/wire/random-messages.ts";
import type { Target } from "./fuzz.ts";
import { makeMessage } from "./message-inputs.ts";
import { expectedOf, type MessageKind, messageKinds, taskKind } from "./message-kinds.ts";
import { type Leeway, type ReferenceRead, Refused, referenceRead } from "./reference-reader.ts";
import { smallerMessage } from "./smaller-message.ts";

/**
 * Bytes, and before them one that says as which message they are read, and one that says what is patched if that is a task, as most are.
 * They are held against what the reference reader makes of them.
 */
export const messages: Target<Uint8Array> = {
  name: "messages",
  make(chance) {
    const kind = chance.oneIn(4) ? 1 + chance.below(messageKinds.length - 1) : 0;
    return Buffer.concat([Uint8Array.of(kind, chance.below(changeSets.length)), makeMessage(chance, kind)]);
  },
  check(input) {
    const kind = messageKinds[(input[0] ?? 0) % messageKinds.length]!;
    const change = changeSets[(input[1] ?? 0) % changeSets.length]!;
    const bytes = new Uint8Array(input.subarray(2));
    const before = Buffer.from(bytes);
    const { reference, read, leeway } = checkDecode(kind, bytes);
    if (kind === taskKind) {
      // Where the fields stand is known, unless a value was refused or something in a value made the reader lenient.
      const standing = leeway.stricter || leeway.looser ? undefined : reference;
      checkPatch(bytes, change, read as TaskMessage | undefined, standing);
    }
    assert(before.equals(bytes), "what was read was altered");
    return `${read === undefined ? "refused" : "read"}${leeway.stricter || leeway.looser ? " where Go may differ" : ""}`;
  },
  *smaller(input) {
    const [kind = 0, change = 0] = input;
    if (change !== 0) yield Buffer.concat([Uint8Array.of(kind, 0), input.subarray(2)]);
    for (const bytes of smallerMessage(input.subarray(2))) yield Buffer.concat([Uint8Array.of(kind, change), bytes]);
  },
  toLine: (input) => Buffer.from(input).toString("hex"),
  fromLine: (line) => Uint8Array.from(Buffer.from(line, "hex")),
};

/** What a patch changes, and what is written for it: nothing for what is taken out. */
interface ChangeSet {
  readonly changes: TaskMessageChanges;
  readonly written: readonly { readonly field: number; readonly bytes: Uint8Array }[];
}

const fieldOf = { payload: 2, retried: 6, errorMsg: 7, uniqueKey: 10, lastFailedAtSec: 11, completedAtSec: 13 } as const;
const nothing: TaskMessage = { type: "", id: "", queue: "", retry: 0, retried: 0 };

const changeSets: readonly ChangeSet[] = [
  {},
  { retried: 0, errorMsg: "", lastFailedAtSec: undefined, completedAtSec: 0 },
  { retried: -1, errorMsg: "half a pair \ud800", completedAtSec: -1 },
  ...fc.sample(
    randomChanges.chain((all) => fc.subarray(Object.entries(all)).map(Object.fromEntries)),
    { numRuns: 61, seed: 2024 },
  ),
].map((changes: TaskMessageChanges) => ({
  changes,
  written: Object.entries(fieldOf)
    .filter(([name]) => name in changes)
    .map(([name, field]) => ({
      field,
      bytes: encodeTaskMessage({ ...nothing, [name]: changes[name as keyof typeof fieldOf] }).bytes,
    })),
}));

/** Answers what our reader read; it has to be what the other did. */
function checkDecode(
  kind: MessageKind,
  bytes: Uint8Array,
): { readonly reference: ReferenceRead | undefined; readonly read: object | undefined; readonly leeway: Leeway } {
  const leeway: Leeway = { stricter: false, looser: false };
  const reference = refusable(() => referenceRead(bytes, kind.schema, leeway), Refused);
  const expected = reference && bytes.length > 0 ? expectedOf(kind, reference.values) : undefined;
  const read = refusable(() => kind.decode(bytes, "it"), DecodeError);

  if (read === undefined) assert(expected === undefined || leeway.stricter, "refused what Go reads");
  else if (expected !== undefined) assert(isDeepStrictEqual(read, expected), "read otherwise than Go reads it");
  else assert(leeway.looser, "read what Go refuses");
  // Dearer than all the rest, and the dearest of it is that everything is compared.
  if (read !== undefined && bytes.length % 4 === 0) checkReadBack(kind, bytes, read);
  return { reference, read, leeway };
}

/** What was read is written, read again and written again as the same. */
function checkReadBack({ decode, encode }: MessageKind, bytes: Uint8Array, read: object): void {
  for (const value of Object.values(read))
    assert(!(value instanceof Uint8Array) || value.buffer !== bytes.buffer, "a view of what was read");
  const written = encode(read);
  // Of nothing but zeros there is nothing to be written, and nothing is no message.
  if (!written?.length) return;
  const again = decode(written, "it");
  assert(isDeepStrictEqual(again, read), "not read back as it was");
  assert(Buffer.from(encode(again)!).equals(written), "not written again as it was");
}

/** What a patch does not change stays byte for byte, in its order; what it changes is written once, in its place. */
function checkPatch(
  bytes: Uint8Array,
  { changes, written }: ChangeSet,
  read: TaskMessage | undefined,
  standing: ReferenceRead | undefined,
): void {
  const leeway: Leeway = { stricter: false, looser: false };
  const reference = standing ?? refusable(() => referenceRead(bytes, new Map(), leeway), Refused);
  const patched = refusable(() => patchTaskMessage(bytes, changes), DecodeError);
  if (reference === undefined || patched === undefined) {
    assert(reference === undefined && (patched === undefined || leeway.stricter), "patched what is no message, or not what is one");
    assert(patched !== undefined || read === undefined, "read and cannot be patched");
    return;
  }
  assert(Buffer.concat(patchedPieces(bytes, reference, written)).equals(patched.bytes), "patched otherwise than it should be");
  const payload = reference.fields.findLast(({ field, wireType }) => field === 2 && wireType === 2);
  const marked = patched.bytes.subarray(patched.textStart, patched.textEnd);
  const stays = bytes.subarray(payload?.valueStart ?? 0, payload?.end ?? 0);
  const expected = "payload" in changes ? (changes.payload ?? new Uint8Array()) : stays;
  assert(Buffer.from(expected).equals(marked), "not the payload that is marked");
  if (read === undefined) return;
  const { errorMsg, uniqueKey } = changes;
  const changed = Object.entries({
    ...changes,
    ...(errorMsg && { errorMsg: errorMsg.toWellFormed() }),
    ...(uniqueKey && { uniqueKey: uniqueKey.toWellFormed() }),
  });
  const absent = changed.map(([name, value]) => [name, name === "retried" ? value : value || undefined]);
  assert(isDeepStrictEqual(decodeTaskMessage(patched.bytes, "it"), { ...read, ...Object.fromEntries(absent) }), "not read as patched");
}

function patchedPieces(bytes: Uint8Array, { fields }: ReferenceRead, written: ChangeSet["written"]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let next = 0;
  for (const { field, start, end } of fields) {
    while (next < written.length && written[next]!.field < field) pieces.push(written[next++]!.bytes);
    if (!written.some((change) => change.field === field)) pieces.push(bytes.subarray(start, end));
  }
  return [...pieces, ...written.slice(next).map((change) => change.bytes)];
}

/** Any other error than the one that may come is a find. */
function refusable<T>(work: () => T, Refusal: new (...args: never[]) => object): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
