import { ended, type QueueCounts, retried, total } from "./count-tasks.ts";

/** The last line of a run that ends by itself. */
export interface Summary {
  /** Tasks that the edge Worker accepted. Its answers say so: Redis keeps no trace of a task that is done. */
  readonly enqueued: number;
  /** Runs that ended, failures among them, as Asynq counts: `enqueued` + `retried` when all is done. */
  readonly processed: number;
  readonly retried: number;
  readonly archived: number;
  /** Refused by a unique lock. A refusal leaves Redis as it was, so this too comes from the Worker's answers. */
  readonly duplicates: number;
  /** Tasks that were accepted and are neither done, completed nor archived. */
  readonly lost: number;
  /** From the first request to the last outcome. */
  readonly durationMs: number;
  /** Tasks taken back from a lost worker; only told when one was killed. */
  readonly recovered?: number;
}

/** Everything but what `told` says is computed from Redis. */
export function summarize(
  counts: readonly QueueCounts[],
  told: { readonly enqueued: number; readonly duplicates: number; readonly durationMs: number; readonly recovered?: number },
): Summary {
  const { enqueued, duplicates, durationMs, recovered } = told;
  return {
    enqueued,
    processed: total(counts, ({ processed }) => processed),
    retried: total(counts, retried),
    archived: total(counts, ({ archived }) => archived),
    duplicates,
    lost: enqueued - total(counts, ended),
    durationMs,
    ...(recovered === undefined ? {} : { recovered }),
  };
}
