import type { ServerFacts } from "./facts.ts";

/** What counts for a queue beside itself. */
export interface QueueSurroundings {
  readonly nowSec: number;
  /** The servers that beat; `undefined` where nobody knows. */
  readonly servers: readonly ServerFacts[] | undefined;
  /** When a cron function's rare ticks last ended, the latest of them; 0 is never. */
  readonly tickedSec: number;
  /** Queues that have tasks to run, or that run: what is pending there may be none just now, and one a moment later. */
  readonly busy: ReadonlySet<string>;
}
