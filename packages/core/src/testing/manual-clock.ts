import type { Clock, Random } from "../clock.ts";

/** A clock that moves only when told to. */
export interface ManualClock extends Clock {
  /** Moves both clocks on and fires what falls due on the way, in order of time, letting promises settle after each. */
  advance(byMs: number): Promise<void>;
  /** Lets the wall clock jump, forth or back; nothing fires, and the monotonic clock does not notice. */
  jump(byMs: number): void;
  /** How many callbacks wait. */
  readonly waiting: number;
  /** In how many milliseconds the next callback is due; infinite where none waits. */
  readonly nextInMs: number;
}

/** A clock for tests that starts at `startMs` of the wall and 0 of the monotonic clock. */
export function manualClock(startMs: number = Date.UTC(2026, 0, 2, 3, 4, 5)): ManualClock {
  let wallMs = startMs;
  let monotonicMs = 0;
  let timers: { readonly dueMs: number; readonly then: () => void }[] = [];
  return {
    nowMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    after(delayMs, then) {
      const timer = { dueMs: monotonicMs + Math.max(0, delayMs), then };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(byMs) {
      const untilMs = monotonicMs + byMs;
      await promisesSettle();
      for (;;) {
        const next = timers.filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (next === undefined) break;
        timers = timers.filter((other) => other !== next);
        wallMs += next.dueMs - monotonicMs;
        monotonicMs = next.dueMs;
        next.then();
        await promisesSettle();
      }
      wallMs += untilMs - monotonicMs;
      monotonicMs = untilMs;
    },
    jump(byMs) {
      wallMs += byMs;
    },
    get waiting() {
      return timers.length;
    },
    get nextInMs() {
      return timers.reduce((least, { dueMs }) => Math.min(least, dueMs - monotonicMs), Number.POSITIVE_INFINITY);
    },
  };
}

/** Chance that is the same every time. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const float = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { float, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(float() * 256)) };
}

/** Lets every promise that can settle without I/O settle. */
async function promisesSettle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
