import type { Clock } from "@asynqjs/core";

/** A clock for code that repeats real I/O: its pauses are over at once, and noted; a timeout, which is longer than any, never comes. */
export interface HastyClock extends Clock {
  readonly pausesMs: readonly number[];
}

/** From this delay on it is a timeout. */
export const hastyTimeoutMs = 60_000;

export function hastyClock(startMs: number = Date.UTC(2040, 0, 2, 3, 4, 5)): HastyClock {
  const pausesMs: number[] = [];
  let passedMs = 0;
  return {
    pausesMs,
    nowMs: () => startMs + passedMs,
    monotonicMs: () => passedMs,
    after(delayMs, then) {
      if (delayMs >= hastyTimeoutMs) return () => {};
      pausesMs.push(delayMs);
      passedMs += delayMs;
      let cancelled = false;
      queueMicrotask(() => cancelled || then());
      return () => {
        cancelled = true;
      };
    },
  };
}
