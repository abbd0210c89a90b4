/**
 * Time and chance come in: nothing in core asks the machine for either. Times are epoch milliseconds inside and become Asynq's
 * seconds or nanoseconds where they enter Redis.
 * @module
 */
import { hex } from "./hex.ts";

export interface Clock {
  /** Wall clock, epoch milliseconds. */
  nowMs(): number;
  /** A clock that never jumps, in milliseconds from any zero: leases are judged by it. */
  monotonicMs(): number;
  /** Calls `then` once after `delayMs`, however long (past the 24.8 days a JavaScript timer can hold too); the answer takes it back. */
  after(delayMs: number, then: () => void): () => void;
}

export interface Random {
  /** A number in [0, 1). */
  float(): number;
  /** `length` random bytes, fit for ids. */
  bytes(length: number): Uint8Array;
}

/** The longest delay a JavaScript timer holds; a longer one fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's own clock. Never used unless handed in. */
export const systemClock: Clock = {
  nowMs() {
    return Date.now();
  },
  monotonicMs() {
    return performance.now();
  },
  after(delayMs, then) {
    if (delayMs <= longestTimerMs) {
      const timer = setTimeout(then, delayMs);
      return () => clearTimeout(timer);
    }
    let cancel = systemClock.after(longestTimerMs, () => {
      cancel = systemClock.after(delayMs - longestTimerMs, then);
    });
    return () => cancel();
  },
};

/** Drawn at once, since asking the machine costs the same for an id and for a hundred; each byte is handed out once. */
const poolBytes = 2048;
let pool = new Uint8Array();
let drawn = 0;

/** The machine's own randomness. Never used unless handed in. */
export const systemRandom: Random = {
  float() {
    return Math.random();
  },
  bytes(length) {
    if (drawn + length > pool.length) {
      pool = crypto.getRandomValues(new Uint8Array(Math.max(poolBytes, length)));
      drawn = 0;
    }
    drawn += length;
    return pool.subarray(drawn - length, drawn);
  },
};

/** Waits for `work`, at most `delayMs` and no longer than until `signal` aborts; answers nothing when it did not end by itself. */
export function within<T>(clock: Clock, delayMs: number, signal?: AbortSignal, work?: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const settle = (value?: T | Promise<T>): void => {
      cancel();
      signal?.removeEventListener("abort", end);
      resolve(value);
    };
    const end = (): void => settle();
    const cancel = clock.after(delayMs, end);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
    work?.then(settle, () => settle(work));
  });
}

/** Waits `delayMs`; ends early, without a throw, when `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return within<void>(clock, delayMs, signal);
}

/** Whole seconds, as every score and TTL but `pending_since` is. */
export function unixSec(epochMs: number): number {
  return Math.floor(epochMs / 1000);
}

/** Nanoseconds as text, as `pending_since` is: 19 digits do not fit a JavaScript number. */
export function unixNs(epochMs: number): string {
  return `${Math.floor(epochMs)}000000`;
}

/** The UTC day of a daily counter, `YYYY-MM-DD`. */
export function utcDay(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

/** A random v4 UUID as text, as Asynq's task ids are. */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return hex(bytes, true);
}
