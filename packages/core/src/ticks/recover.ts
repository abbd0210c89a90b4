import { type ExpiredLease, listExpiredLeasesOf } from "../broker/list-expired-leases.ts";
import { reclaimStaleAggregationSetsOf } from "../broker/reclaim-stale-aggregation-sets.ts";
import { settle, type TaskOutcome } from "../broker/settle.ts";
import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { LeaseExpiredError, RedisError } from "../errors.ts";
import { decideRecovery, maxRecoveries } from "../failure.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { addReports, earliest, runTick, type Spent, type TickOptions, type TickReport } from "./tick.ts";

/** How long after its lease a task counts as lost. Asynq: the recoverer's tolerance. */
export const recoverAfterSec = 30;
/** A request looks at no more queues than that: their messages come with it. */
const maxQueuesAtOnce = 50;

export interface RecoverOptions extends TickOptions {
  /** Whether a task with `maxRetry` 0 is run again after its worker was lost. Default false: it is archived, as in Asynq. */
  readonly recoverNoRetry?: boolean | undefined;
}

export interface RecoverReport extends TickReport {
  /** Tasks sent to retry, nothing charged. */
  readonly recovered: number;
  /** Tasks archived: they lost three workers, or may not be retried. */
  readonly archived: number;
  /** Tasks set aside: their message cannot be read. */
  readonly quarantined: number;
  /** Ids whose hash was gone, no hash, or without message, and sets that were not there: dropped. */
  readonly dangling: number;
  /** Tasks given back to their groups: whoever was to aggregate them did not by the deadline of their set. */
  readonly reclaimed: number;
  /** Archived tasks deleted because the archive was full or they were too old. */
  readonly trimmed: number;
}

/**
 * Takes back the tasks whose lease ended 30 s ago or more: their worker is lost. Fenced by the score it read, so a lease that was extended
 * or a task that was settled meanwhile is left alone. One task that cannot be read holds up no other. And gives tasks of aggregation sets
 * whose deadline has passed back to their groups.
 *
 * May be repeated and run in any number of copies at once: each task is taken back once.
 * @throws {RedisError} the way to Redis failed
 * @see Asynq recoverer.go
 */
export function recover(broker: Broker, options: RecoverOptions): Promise<RecoverReport> {
  return runTick(broker, options, (spent) => recoverOnce(broker, options, spent));
}

const nothing: RecoverReport = {
  recovered: 0,
  archived: 0,
  quarantined: 0,
  dangling: 0,
  reclaimed: 0,
  trimmed: 0,
  more: false,
  errors: [],
};

async function recoverOnce(broker: Broker, options: RecoverOptions, spent: Spent): Promise<RecoverReport> {
  let report = nothing;
  let nextSec: number | undefined;
  const parts = [recoverBatches, reclaimBatches].map((batches) => ({ batches, queues: options.queues }));
  while (parts.some(({ queues }) => queues.length > 0)) {
    for (const part of parts) {
      const again: string[] = [];
      for (let at = 0; at < part.queues.length; at += maxQueuesAtOnce) {
        if (spent()) return { ...report, more: true };
        const { full, ...one } = await part.batches(broker, part.queues.slice(at, at + maxQueuesAtOnce), options);
        report = addReports(report, one);
        nextSec = earliest(nextSec, one.nextSec);
        again.push(...full);
      }
      part.queues = again;
    }
  }
  return { ...report, nextSec };
}

/** What a batch of each of some queues did, and of which queues there may be more. */
type Batches = RecoverReport & { readonly full: readonly string[] };

/** Some sets of each of the queues. */
async function reclaimBatches(broker: Broker, queues: readonly string[], { signal }: RecoverOptions): Promise<Batches> {
  const answers = await reclaimStaleAggregationSetsOf(broker, queues, { signal });
  const error = new RedisError("the key of a group holds the wrong kind of value: its set was not given back", {
    delivered: "no",
    reply: "WRONGTYPE",
  });
  return {
    ...nothing,
    reclaimed: answers.reduce((sum, { value }) => sum + (value?.reclaimed ?? 0), 0),
    dangling: answers.reduce((sum, { value }) => sum + (value?.dangling ?? 0), 0),
    nextSec: earliest(...answers.map(({ value }) => value?.nextSec)),
    errors: answers.flatMap((answer, i) => {
      if (answer.error !== undefined) return { queue: queues[i]!, error: answer.error };
      return answer.value.putOff > 0 ? { queue: queues[i]!, error } : [];
    }),
    full: queues.filter((_, i) => answers[i]!.value?.more === true),
  };
}

/** One batch of each of the queues. There may be more where its look was full and something of it moved. */
async function recoverBatches(broker: Broker, queues: readonly string[], { recoverNoRetry, signal }: RecoverOptions): Promise<Batches> {
  const nowMs = broker.clock.nowMs();
  const cutoffSec = unixSec(nowMs) - recoverAfterSec;
  const looks = await listExpiredLeasesOf(broker, queues, cutoffSec, { signal });
  const outcomes = looks.flatMap(({ value }, i) =>
    (value?.leases ?? []).map((lease) => outcomeOf(broker, queues[i]!, lease, nowMs, recoverNoRetry)),
  );
  const { results, trimmed } = await settle(broker, outcomes, { cutoffSec, signal });

  const errors: { queue: string; error: Error }[] = [];
  for (const [i, { error }] of looks.entries()) if (error !== undefined) errors.push({ queue: queues[i]!, error });
  const moved = new Set<string>();
  const count = { recovered: 0, archived: 0, quarantined: 0, dangling: 0 };
  for (const [i, { verdict, error }] of results.entries()) {
    const { queue, to } = outcomes[i]!;
    if (error !== undefined && !errors.some((told) => told.queue === queue)) errors.push({ queue, error });
    if (verdict === "dangling") count.dangling++;
    else if (verdict === "settled" && to in count) count[to as keyof typeof count]++;
    if (verdict === "dangling" || verdict === "settled") moved.add(queue);
  }
  const nextSec = earliest(...looks.map(({ value }) => value?.nextSec));
  return {
    ...nothing,
    ...count,
    trimmed,
    nextSec: nextSec === undefined ? undefined : nextSec + recoverAfterSec,
    errors,
    full: queues.filter((queue, i) => looks[i]!.value?.more === true && moved.has(queue)),
  };
}

function outcomeOf(
  broker: Broker,
  queue: string,
  { id, score, msg, recovered }: ExpiredLease,
  nowMs: number,
  recoverNoRetry: boolean | undefined,
): TaskOutcome {
  const lost = { queue, id, fence: { expiredScore: score } } as const;
  // Without a message there is nothing to keep: the script finds none either and drops the id.
  if (msg === undefined) return { ...lost, to: "quarantined", why: "no message" };
  try {
    const message = decodeTaskMessage(msg, `the message of task "${id}" of queue "${queue}"`);
    const decision = decideRecovery(message, recovered, { random: broker.random, recoverNoRetry });
    const lastFailedAtSec = unixSec(nowMs);
    if (decision.to === "archive") {
      const errorMsg = decision.crashes < maxRecoveries ? new LeaseExpiredError().message : `crashed ${decision.crashes} workers`;
      return { ...lost, to: "archived", msg: patchTaskMessage(msg, { errorMsg, lastFailedAtSec }) };
    }
    return {
      ...lost,
      to: "recovered",
      msg: patchTaskMessage(msg, { errorMsg: new LeaseExpiredError().message, lastFailedAtSec }),
      retryAtSec: unixSec(nowMs + decision.afterMs),
      recovered: decision.recovered,
    };
  } catch (error) {
    return { ...lost, to: "quarantined", why: error instanceof Error ? error.message : "cannot be read" };
  }
}
