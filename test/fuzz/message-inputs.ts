/**
 * Bytes to be read as messages: whole ones, altered ones, fields put together by chance, garbage; now and then a very long one.
 * @module
 */
import {
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
  encodeServerInfo,
  encodeTaskMessage,
  encodeWorkerInfo,
} from "@asynqjs/core/wire";
import fc from "fast-check";
import { schedulerEnqueueEvent, schedulerEntry, serverInfo, taskMessages, workerInfo } from "../support/wire/golden-vectors.ts";
import {
  randomEnqueueEvent,
  randomSchedulerEntry,
  randomServerInfo,
  randomTaskMessage,
  randomWorkerInfo,
} from "../support/wire/random-messages.ts";
import type { Chance } from "./chance.ts";
import { mutateBytes } from "./mutate-bytes.ts";

const golden = (vectors: readonly { readonly hex: string }[]): Uint8Array[] =>
  vectors.map(({ hex }) => Uint8Array.from(Buffer.from(hex, "hex")));
const sample = <T>(of: fc.Arbitrary<T>, count: number): T[] => fc.sample(of, { numRuns: count, seed: 2024 });

/** Whole messages by kind, in the order of `messageKinds`. */
const whole: readonly (readonly Uint8Array[])[] = [
  [...golden(taskMessages), ...sample(randomTaskMessage, 200).map((message) => encodeTaskMessage(message).bytes)],
  [...golden([serverInfo]), ...sample(randomServerInfo, 50).map(encodeServerInfo)],
  [...golden([workerInfo]), ...sample(randomWorkerInfo, 50).map(encodeWorkerInfo)],
  [...golden([schedulerEntry]), ...sample(randomSchedulerEntry, 50).map(encodeSchedulerEntry)],
  [...golden([schedulerEnqueueEvent]), ...sample(randomEnqueueEvent, 20).map(encodeSchedulerEnqueueEvent)],
].map((messages) => messages.filter(({ length }) => length > 0 && length < 4_000));

/** The bytes of a message of that kind, or of none. */
export function makeMessage(chance: Chance, kind: number): Uint8Array {
  const seeds = whole[kind]!;
  if (chance.oneIn(40_000)) return longMessage(chance, chance.pick(seeds));
  const way = chance.below(20);
  if (way < 1) return chance.pick(seeds);
  if (way < 2) return chance.bytes(chance.small(200));
  if (way < 5) return anyFields(chance);
  return mutateBytes(chance, chance.pick(seeds), seeds);
}

/** Fields as any encoder of protobuf may write them: in any order, numbers in more bytes than they take. */
function anyFields(chance: Chance): Uint8Array {
  const bytes: number[] = [];
  // Most are tasks but for what follows.
  if (chance.oneIn(2)) bytes.push(0x0a, 1, 0x74, 0x1a, 1, 0x61);
  for (let left = chance.small(12); left > 0; left--) pushField(chance, bytes, 0);
  return Uint8Array.from(bytes);
}

function pushField(chance: Chance, bytes: number[], depth: number): void {
  const field = chance.oneIn(4) ? 2 ** chance.below(29) + chance.below(16) : 1 + chance.below(16);
  const wireType = chance.pick([0, 0, 1, 2, 2, 2, 3, 5]);
  const tag = (type: number): void => pushVarint(bytes, field * 8 + type, chance.oneIn(8) ? 1 + chance.below(6) : 1);
  tag(wireType);
  if (wireType === 0) pushVarint(bytes, chance.below(2) * 2 ** chance.below(53) + chance.below(256), 1 + chance.small(9));
  else if (wireType === 2) {
    const value: number[] = chance.oneIn(2) ? textBytes(chance) : [];
    if (value.length === 0 && depth < 6) for (let left = chance.small(4); left > 0; left--) pushField(chance, value, depth + 1);
    pushVarint(bytes, value.length, chance.oneIn(8) ? 1 + chance.below(6) : 1);
    bytes.push(...value);
  } else if (wireType === 3) {
    if (depth < 6) for (let left = chance.small(3); left > 0; left--) pushField(chance, bytes, depth + 1);
    tag(4);
  } else for (let left = wireType === 1 ? 8 : 4; left > 0; left--) bytes.push(chance.below(256));
}

/** Mostly letters, now and then what is beyond them, or no text. */
function textBytes(chance: Chance): number[] {
  const text = chance.pick(["a", "id", "__proto__", "constructor", "é", "\u{1f600}", "\u0000", " ", "\ufeff"]).repeat(chance.small(40));
  const bytes = [...Buffer.from(text)];
  if (bytes.length > 0 && chance.oneIn(8)) bytes.pop();
  return bytes;
}

function pushVarint(bytes: number[], value: number, atLeast: number): void {
  let rest = value;
  for (let count = 1; rest > 127 || count < atLeast; count++) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

/** Ten thousand of something, or a hundred thousand. */
function longMessage(chance: Chance, seed: Uint8Array): Uint8Array {
  const field = (): Uint8Array =>
    Uint8Array.from(
      Buffer.from(chance.pick(["3001", "7a060a016b120176", "c03e01", "0b0c", "3a0178", "12020102", "2a0161", "4200"]), "hex"),
    );
  const count = chance.pick([10_000, 100_000]);
  switch (chance.below(4)) {
    case 0:
      return Buffer.concat([seed, ...Array.from({ length: count / 10 }, field)]);
    case 1:
      return Buffer.concat([seed, Buffer.alloc(count, field())]);
    case 2:
      return Buffer.concat([seed, Buffer.alloc(count, 0x0b), Buffer.alloc(chance.pick([count, count - 1, 1]), 0x0c)]);
    default:
      // As many headers, each of another name.
      return Buffer.concat([
        seed,
        ...Array.from({ length: 10_000 }, (_, i) => Buffer.from(`z\u0009\n\u0005${String(i).padStart(5, "0")}\u0012\u0000`)),
      ]);
  }
}
