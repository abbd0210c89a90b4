import type { Clock } from "./clock.ts";

/** What is to be over by a time. */
export interface Timed {
  /** By the monotonic clock. */
  readonly deadlineMs: number;
}

/** A timer may come a little early: the next one is at least so far away, or it would come for ever. */
const leastMs = 1;

/**
 * What is to be over by its deadline, with one timer for all: nearly everything ends long before, and a timer each would cost as much as the
 * rest of it. The timer is set for the earliest it has heard of; that one being over already, it finds out what the next is. There is none
 * while nothing waits.
 */
export class Deadlines<T extends Timed> {
  readonly #clock: Clock;
  readonly #onLate: (late: readonly T[]) => void;
  readonly #waiting = new Set<T>();
  #dueMs = Number.POSITIVE_INFINITY;
  #cancel = (): void => {};

  /** Made once: a timer is armed for every call to Redis. */
  readonly #look = (): void => {
    const nowMs = this.#clock.monotonicMs();
    const late: T[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const timed of this.#waiting) {
      if (timed.deadlineMs > nowMs) nextMs = Math.min(nextMs, timed.deadlineMs);
      else late.push(timed);
    }
    for (const timed of late) this.#waiting.delete(timed);
    if (this.#waiting.size === 0) this.#disarm();
    else this.#arm(Math.max(nextMs, nowMs + leastMs));
    if (late.length > 0) this.#onLate(late);
  };

  /** `onLate` takes those whose time is over, together; they wait no more. */
  constructor(clock: Clock, onLate: (late: readonly T[]) => void) {
    this.#clock = clock;
    this.#onLate = onLate;
  }

  add(timed: T): void {
    this.#waiting.add(timed);
    if (timed.deadlineMs < this.#dueMs) this.#arm(timed.deadlineMs);
  }

  delete(timed: T): void {
    this.#waiting.delete(timed);
    if (this.#waiting.size === 0) this.#disarm();
  }

  /** Those that wait now. */
  all(): T[] {
    return [...this.#waiting];
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#waiting.clear();
    this.#disarm();
  }

  #disarm(): void {
    this.#cancel();
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  #arm(dueMs: number): void {
    this.#cancel();
    this.#dueMs = dueMs;
    this.#cancel = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), this.#look);
  }
}
