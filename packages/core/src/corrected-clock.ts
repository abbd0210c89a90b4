/**
 * A wall clock kept to that of Redis, so that processes whose machines disagree still agree on when a lease ends and a task is due.
 * @module
 */
import type { Clock } from "./clock.ts";
import { decodeTime } from "./decode-reply.ts";
import { ClockSkewError } from "./errors.ts";
import type { RedisPort, SendOptions } from "./redis.ts";
import { ask } from "./send-plain.ts";

/** More than that is worth a warning. */
export const worrySkewMs = 2_000;
/** With more than that nothing may be started. */
export const mostSkewMs: number = 5 * 60_000;

/** The offset is the median of so many looks: one slow answer moves nothing. */
const looksKept = 5;

/** A clock that says what Redis' clock says. */
export interface CorrectedClock extends Clock {
  /** How far Redis' clock is ahead of the machine's, milliseconds. 0 before the first look. */
  readonly offsetMs: number;
  /**
   * Looks at Redis' clock and corrects this one by the median of the last five looks. May be repeated, and should be.
   * @throws {RedisError} no answer: the correction stays as it was
   */
  look(redis: RedisPort, options?: SendOptions): Promise<void>;
  /** A look that travels with something else that is asked now: what this answers is called with Redis' time when the answer is there. */
  asking(): (timeMs: number) => void;
  /** Whether the last look agreed with the correction: where it did not a clock was set, and more looks will tell. */
  readonly steady: boolean;
  /** Goes by an offset that another clock of this machine found. */
  adopt(offsetMs: number): void;
}

/** Corrects a clock of the machine's. The monotonic clock and its timers stay as they are. */
export function correctedClock(clock: Clock): CorrectedClock {
  const looks: number[] = [];
  let offsetMs = 0;

  function asking(): (timeMs: number) => void {
    const sentMs = clock.nowMs();
    const sentAtMs = clock.monotonicMs();
    return (timeMs) => {
      // Redis looked at its clock somewhere between our question and its answer.
      const midwayMs = sentMs + (clock.monotonicMs() - sentAtMs) / 2;
      looks.push(timeMs - midwayMs);
      if (looks.length > looksKept) looks.shift();
      const sorted = [...looks].sort((a, b) => a - b);
      offsetMs = sorted[Math.floor((sorted.length - 1) / 2)]!;
    };
  }

  return {
    nowMs: () => clock.nowMs() + offsetMs,
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, then) => clock.after(delayMs, then),
    get offsetMs() {
      return offsetMs;
    },
    adopt(foundMs) {
      looks.length = 0;
      offsetMs = foundMs;
    },
    get steady() {
      return Math.abs((looks.at(-1) ?? offsetMs) - offsetMs) <= worrySkewMs;
    },
    asking,
    async look(redis, options) {
      const answered = asking();
      answered(await ask(redis, ["TIME"], decodeTime, options));
    },
  };
}

/** Whether a clock keeps to Redis' own. */
export function isCorrected(clock: Clock): clock is CorrectedClock {
  return "look" in clock;
}

/** @throws {ClockSkewError} the clocks are more than five minutes apart */
export function checkSkew({ offsetMs }: CorrectedClock): void {
  if (Math.abs(offsetMs) > mostSkewMs) throw new ClockSkewError(offsetMs, mostSkewMs);
}
