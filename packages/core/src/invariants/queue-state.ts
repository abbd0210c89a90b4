import type { Counters } from "./judge-queue.ts";

/** What a scan saw of one queue that is judged by what comes later: see `monotone` and `untouchedWhilePaused`. */
export interface QueueState {
  readonly queue: string;
  readonly paused: boolean;
  /** The ids in the list of active tasks. */
  readonly active: readonly string[];
  readonly counters: Counters;
  /** How many tasks there are, in whatever state. */
  readonly tasks: number;
}
