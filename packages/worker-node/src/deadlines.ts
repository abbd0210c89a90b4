import type { Clock } from "@asynqjs/core";

/** What is to hear when its time is over. */
export interface Timed {
  /** By the monotonic clock. */
  readonly deadlineMs: number;
  overdue(): void;
}

/** A timer may come a little early: the next one is at least so far away, or it would come for ever. */
const leastMs = 1;

/**
 * The deadlines of what runs, with one timer for all: most runs end long before theirs, and a timer each would cost as much as the rest of
 * the run. The timer is set for the earliest it has heard of; that one being over already, it finds out what the next is.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Timed>();
  #dueMs = Number.POSITIVE_INFINITY;
  #cancel = (): void => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(timed: Timed): void {
    this.#waiting.add(timed);
    if (timed.deadlineMs < this.#dueMs) this.#arm(timed.deadlineMs);
  }

  delete(timed: Timed): void {
    this.#waiting.delete(timed);
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#waiting.clear();
    this.#cancel();
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  #arm(dueMs: number): void {
    this.#cancel();
    this.#dueMs = dueMs;
    this.#cancel = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => this.#look());
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#dueMs = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const timed of this.#waiting) {
      if (timed.deadlineMs > nowMs) nextMs = Math.min(nextMs, timed.deadlineMs);
      else {
        this.#waiting.delete(timed);
        timed.overdue();
      }
    }
    if (nextMs < this.#dueMs) this.#arm(Math.max(nextMs, nowMs + leastMs));
  }
}
