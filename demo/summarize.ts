import { ended, type QueueCounts, retried, total } from "./count-tasks.ts";
import type { CronWork } from "./cron-work.ts";

/** The last line of a run that ends by itself. */
export interface Summary {
  /** Tasks that the edge Worker accepted. Its answers say so: Redis keeps no trace of a task that is done. */
  readonly enqueued: number;
  /** Runs that ended, failures among them, as Asynq counts: what was enqueued and fired, digests for what they hold, and `retried`. */
  readonly processed: number;
  readonly retried: number;
  readonly archived: number;
  /** Refused by a unique lock. A refusal leaves Redis as it was, so this too comes from the Worker's answers. */
  readonly duplicates: number;
  /** Tasks that the cron Worker made ready, took back from a lost worker, fired of the cron entry, gathered, and made of those. Its reports say so. */
  readonly forwarded: number;
  readonly recovered: number;
  readonly fired: number;
  readonly aggregated: number;
  readonly digests: number;
  /** Tasks that were accepted, fired or made of others, and are neither done, completed, archived nor gathered. */
  readonly lost: number;
  /** From the first request to the last outcome. */
  readonly durationMs: number;
}

/** Everything but what `told` and `work` say is computed from Redis. */
export function summarize(
  counts: readonly QueueCounts[],
  { forwarded, recovered, fired, aggregated, digests }: CronWork,
  { enqueued, duplicates, durationMs }: { readonly enqueued: number; readonly duplicates: number; readonly durationMs: number },
): Summary {
  return {
    enqueued,
    processed: total(counts, ({ processed }) => processed),
    retried: total(counts, retried),
    archived: total(counts, ({ archived }) => archived),
    duplicates,
    forwarded,
    recovered,
    fired,
    aggregated,
    digests,
    lost: enqueued + fired - aggregated + digests - total(counts, ended),
    durationMs,
  };
}
