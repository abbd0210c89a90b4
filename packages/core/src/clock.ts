/**
 * Time and chance come in: nothing in core asks the machine for either. Times are epoch milliseconds inside and become Asynq's
 * seconds or nanoseconds where they enter Redis.
 * @module
 */

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
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, then) {
    const dueMs = performance.now() + delayMs;
    let timer: ReturnType<typeof setTimeout>;
    const arm = (leftMs: number): void => {
      timer = setTimeout(() => (leftMs > longestTimerMs ? arm(dueMs - performance.now()) : then()), Math.min(leftMs, longestTimerMs));
    };
    arm(Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
};

/** The machine's own randomness. Never used unless handed in. */
export const systemRandom: Random = {
  float: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** Waits `delayMs`; ends early, without a throw, when `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = (): void => {
      cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(delayMs, wake);
    signal?.addEventListener("abort", wake, { once: true });
  });
}

/** Whole seconds, as every score and TTL but `pending_since` is. */
export function unixSec(epochMs: number): number {
  return Math.floor(epochMs / 1000);
}

/** Nanoseconds as text, as `pending_since` is: 19 digits do not fit a JavaScript number. */
export function unixNs(epochMs: number): string {
  return (BigInt(Math.floor(epochMs)) * 1_000_000n).toString();
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
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
