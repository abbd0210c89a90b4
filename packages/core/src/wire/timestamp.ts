/**
 * `google.protobuf.Timestamp` as nanoseconds since 1970.
 * @module
 */
import { InvalidOptionError } from "../errors.ts";
import type { Int64 } from "./read-message.ts";

/** A time as protobufjs reads and writes it. */
export interface Timestamp {
  readonly seconds: Int64;
  readonly nanos: number;
}

/** Go's `time.Time{}`, midnight of 1 January of the year 1. Go writes it for a time that is not; a time left out it reads as 1970. */
export const goZeroTimeNs: bigint = -62_135_596_800_000_000_000n;

const year10000Ns = 253_402_300_800_000_000_000n;

/** Nanoseconds since 1970; `undefined` for a time left out. */
export function readTimestamp(time: Timestamp | null | undefined): bigint | undefined {
  if (!time) return undefined;
  const { seconds, nanos } = time;
  const wholeSeconds = typeof seconds === "number" ? BigInt(seconds) : (BigInt(seconds.high) << 32n) + BigInt(seconds.low >>> 0);
  return wholeSeconds * 1_000_000_000n + BigInt(nanos);
}

/**
 * The time to write; `undefined` leaves it out.
 * @throws {InvalidOptionError} outside of the years 1 to 9999, the bounds of a protobuf Timestamp
 */
export function writeTimestamp(name: string, timeNs: bigint | undefined): Timestamp | undefined {
  if (timeNs === undefined) return undefined;
  if (timeNs < goZeroTimeNs || timeNs >= year10000Ns) throw new InvalidOptionError(name, "expected a time of the years 1 to 9999");
  const nanos = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((timeNs - nanos) / 1_000_000_000n), nanos: Number(nanos) };
}
