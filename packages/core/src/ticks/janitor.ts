import { deleteAggregated } from "../broker/delete-aggregated.ts";
import { defaultJanitorBatchSize, deleteExpired, maxJanitorBatchSize } from "../broker/delete-expired.ts";
import type { Broker } from "../broker.ts";
import { InvalidOptionError } from "../errors.ts";
import { addReports, earliest, runTick, type Spent, type TickOptions, type TickReport } from "./tick.ts";

export interface JanitorOptions extends TickOptions {
  /** How many tasks of each kind one call deletes at most, up to 1,000. Default 100. Asynq: `JanitorBatchSize`. */
  readonly batchSize?: number | undefined;
}

export interface JanitorReport extends TickReport {
  /** Completed tasks whose retention had ended. */
  readonly expired: number;
  /** Completed tasks deleted because there were more than the broker's `completedMaxSize`. */
  readonly completedTrimmed: number;
  /** Archived tasks deleted because the archive was full or they were too old. */
  readonly trimmed: number;
  /** Tasks deleted for which an aggregated one stands, whoever aggregated them having left them behind. */
  readonly aggregatedDeleted: number;
  /** Ids whose hash was gone, or of a task that is elsewhere by now: dropped. */
  readonly dangling: number;
}

/**
 * Deletes what is over: completed tasks past their retention or beyond a limit, archived ones that are too old or too many, what is left of
 * aggregated sets; a batch of each queue in turn, until nothing is due or the budget is spent. The limits are the broker's. A queue that
 * cannot be served is reported and holds up no other.
 *
 * May be repeated and run in any number of copies at once.
 * @throws {InvalidOptionError} a batch size that cannot be used
 * @throws {RedisError} the way to Redis failed
 * @see Asynq janitor.go
 */
export async function janitor(broker: Broker, options: JanitorOptions): Promise<JanitorReport> {
  const { batchSize = defaultJanitorBatchSize } = options;
  if (!Number.isSafeInteger(batchSize) || batchSize < 1 || batchSize > maxJanitorBatchSize)
    throw new InvalidOptionError("batchSize", `expected a whole number from 1 to ${maxJanitorBatchSize}`);
  return runTick(broker, options, (spent) => janitorOnce(broker, options, spent));
}

const nothing: JanitorReport = {
  expired: 0,
  completedTrimmed: 0,
  trimmed: 0,
  aggregatedDeleted: 0,
  dangling: 0,
  more: false,
  errors: [],
};

async function janitorOnce(broker: Broker, { queues, batchSize, signal }: JanitorOptions, spent: Spent): Promise<JanitorReport> {
  let report = nothing;
  let nextSec: number | undefined;
  let [withExpired, withAggregated] = [queues, queues];
  while (withExpired.length + withAggregated.length > 0) {
    if (spent()) return { ...report, more: true };
    const [expired, aggregated] = await Promise.all([
      deleteExpired(broker, withExpired, { batchSize, signal }),
      deleteAggregated(broker, withAggregated, { signal }),
    ]);
    for (const [i, { value, error }] of expired.entries()) {
      nextSec = earliest(nextSec, value?.nextSec);
      report = addReports(report, {
        ...nothing,
        ...value,
        more: false,
        errors: error === undefined ? [] : [{ queue: withExpired[i]!, error }],
      });
    }
    for (const [i, { value, error }] of aggregated.entries()) {
      const errors = error === undefined ? [] : [{ queue: withAggregated[i]!, error }];
      report = addReports(report, { ...nothing, aggregatedDeleted: value?.deleted ?? 0, errors });
    }
    withExpired = withExpired.filter((_, i) => expired[i]!.value?.more === true);
    withAggregated = withAggregated.filter((_, i) => aggregated[i]!.value?.more === true);
  }
  return { ...report, nextSec };
}
