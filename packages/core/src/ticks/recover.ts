import { type ExpiredLease, listExpiredLeases } from "../broker/list-expired-leases.ts";
import { reclaimStaleAggregationSets } from "../broker/reclaim-stale-aggregation-sets.ts";
import { settle, type TaskOutcome } from "../broker/settle.ts";
import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { LeaseExpiredError, RedisError } from "../errors.ts";
import { decideRecovery, maxRecoveries } from "../failure.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { addReports, earliest, refused, runTick, type Spent, type TickOptions, type TickReport } from "./tick.ts";

/** How long after its lease a task counts as lost. Asynq: the recoverer's tolerance. */
export const recoverAfterSec = 30;

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
  let batches = [recoverBatch, reclaimBatch].flatMap((batch) => options.queues.map((queue) => ({ batch, queue })));
  while (batches.length > 0) {
    const again: typeof batches = [];
    for (const { batch, queue } of batches) {
      if (spent()) return { ...report, more: true };
      const { full, ...one } = await batch(broker, queue, options);
      report = addReports(report, one);
      nextSec = earliest(nextSec, one.nextSec);
      if (full) again.push({ batch, queue });
    }
    batches = again;
  }
  return { ...report, nextSec };
}

/** Some sets of one queue; `full` when more may be stale. */
async function reclaimBatch(broker: Broker, queue: string, { signal }: RecoverOptions): Promise<RecoverReport & { full: boolean }> {
  const answer = await reclaimStaleAggregationSets(broker, queue, { signal }).catch(refused);
  if (answer instanceof Error) return { ...nothing, errors: [{ queue, error: answer }], full: false };
  const { reclaimed, dangling, putOff, more, nextSec } = answer;
  const error = new RedisError("the key of a group holds the wrong kind of value: its set was not given back", {
    delivered: "no",
    reply: "WRONGTYPE",
  });
  return { ...nothing, reclaimed, dangling, nextSec, errors: putOff > 0 ? [{ queue, error }] : [], full: more };
}

/** One batch of one queue; `full` when more may have expired and this batch moved something. */
async function recoverBatch(
  broker: Broker,
  queue: string,
  { recoverNoRetry, signal }: RecoverOptions,
): Promise<RecoverReport & { full: boolean }> {
  const nowMs = broker.clock.nowMs();
  const cutoffSec = unixSec(nowMs) - recoverAfterSec;
  const expired = await listExpiredLeases(broker, queue, cutoffSec, { signal }).catch(refused);
  if (expired instanceof Error) return { ...nothing, errors: [{ queue, error: expired }], full: false };

  const outcomes = expired.leases.map((lease) => outcomeOf(broker, queue, lease, nowMs, recoverNoRetry));
  const { results, trimmed } = await settle(broker, outcomes, { cutoffSec, signal });
  const count = (to: TaskOutcome["to"]): number =>
    results.filter(({ verdict }, i) => verdict === "settled" && outcomes[i]!.to === to).length;
  const moved = results.filter(({ verdict }) => verdict === "settled" || verdict === "dangling").length;
  const error = results.find((result) => result.error !== undefined)?.error;
  return {
    recovered: count("recovered"),
    archived: count("archived"),
    quarantined: count("quarantined"),
    dangling: results.filter(({ verdict }) => verdict === "dangling").length,
    reclaimed: 0,
    trimmed,
    more: false,
    nextSec: expired.nextSec === undefined ? undefined : expired.nextSec + recoverAfterSec,
    errors: error === undefined ? [] : [{ queue, error }],
    full: expired.more && moved > 0,
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
