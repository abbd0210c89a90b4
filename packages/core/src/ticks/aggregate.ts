import { type AggregationSet, aggregationCheck, type GroupPolicy, maxGroupsPerCheck } from "../broker/aggregation-check.ts";
import { listGroups, listGroupsOf } from "../broker/list-groups.ts";
import type { Broker } from "../broker.ts";
import { AggregationSetLostError, InvalidOptionError, RedisError } from "../errors.ts";
import { aggregateSet, type GroupAggregator, type SetReport } from "./aggregate-set.ts";
import { addReports, runTick, type Spent, type TickOptions, type TickReport } from "./tick.ts";

export interface AggregateOptions extends TickOptions, Partial<GroupPolicy> {
  readonly aggregator: GroupAggregator;
  /** How many sets are aggregated at once. Default 3. */
  readonly concurrency?: number | undefined;
  /** How long one set may take, seconds; then its tasks go back to their group. Default 1800. */
  readonly timeoutSec?: number | undefined;
  /** Gives up what runs, while `signal` only keeps it from taking on more. */
  readonly giveUpSignal?: AbortSignal | undefined;
}

export interface AggregateReport extends TickReport {
  /** Sets in whose place an aggregated task stands. */
  readonly sets: number;
  /** Tasks that were in them. */
  readonly aggregated: number;
  /** Tasks set aside: their message cannot be read. */
  readonly quarantined: number;
  /** Ids without a task, dropped. */
  readonly dangling: number;
  /** Sets that were given back, or aggregated by somebody else, before we were done: nothing was enqueued. */
  readonly lost: number;
  /** What went wrong with a queue, or with one set of a group: its tasks go back to the group. */
  readonly errors: readonly { readonly queue: string; readonly group?: string | undefined; readonly error: Error }[];
}

/** Asynq: `defaultGroupGracePeriod`. */
const defaultGracePeriodSec = 60;
const defaultConcurrency = 3;
/** What a task without a timeout is given, too. */
const defaultTimeoutSec = 1800;

const nothing: AggregateReport = {
  sets: 0,
  aggregated: 0,
  quarantined: 0,
  dangling: 0,
  lost: 0,
  more: false,
  errors: [],
};

/**
 * Looks at the groups of the queues, some of each queue in turn, and aggregates those whose time has come, a few at once. It waits for what
 * it began, also when its budget is spent. Never rejects for what Redis or an aggregator does: that is in the report.
 *
 * May be repeated and run in any number of copies at once, beside Go's aggregators too: a task is in one set at a time. Killed at any
 * moment it leaves tasks in a set, which `recover` gives back, or a set that is aggregated, whose rest `janitor` deletes.
 * @throws {InvalidOptionError} a policy that cannot be used
 * @see Asynq aggregator.go
 */
export async function aggregate(broker: Broker, options: AggregateOptions): Promise<AggregateReport> {
  const policy = checkPolicy(options);
  return runTick(broker, options, (spent) => aggregateOnce(broker, { ...options, ...policy }, spent));
}

/** The groups of one queue that are still to be looked at. */
interface Line {
  readonly queue: string;
  readonly groups: readonly string[];
  /** Where the list goes on; absent at its end. */
  readonly cursor?: string | undefined;
}

async function aggregateOnce(broker: Broker, options: AggregateOptions & GroupPolicy, spent: Spent): Promise<AggregateReport> {
  const { queues, concurrency = defaultConcurrency, timeoutSec = defaultTimeoutSec, aggregator, giveUpSignal } = options;
  let report = nothing;
  const running = new Set<Promise<void>>();
  const begin = (set: AggregationSet): void => {
    const run = aggregateSet(broker, set, { aggregator, timeoutSec, giveUpSignal }).then((one) => {
      report = addReports(report, reportOf(set, one));
      running.delete(run);
    });
    running.add(run);
  };

  if (spent()) return { ...report, more: true };
  const pages = await listGroupsOf(broker, queues, { signal: giveUpSignal }).catch((error: RedisError) => queues.map(() => ({ error })));
  const lines: Line[] = [];
  for (const [i, page] of pages.entries()) {
    const queue = queues[i]!;
    if (page.error !== undefined) report = addReports(report, { ...nothing, errors: [{ queue, error: page.error }] });
    else if (page.value.groups.length > 0 || page.value.cursor !== undefined) lines.push({ queue, ...page.value });
  }
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    if (running.size >= concurrency) await Promise.race(running);
    if (spent()) {
      await Promise.all(running);
      return { ...report, more: true };
    }
    try {
      const { sets, errors, rest } = await checkSome(broker, line, { ...options, maxSets: concurrency - running.size });
      for (const set of sets) begin(set);
      report = addReports(report, { ...nothing, errors });
      if (rest !== undefined) lines.push(rest);
    } catch (error) {
      report = addReports(report, { ...nothing, errors: [{ queue: line.queue, error: error as Error }] });
    }
  }
  await Promise.all(running);
  return report;
}

/** One call's worth of a queue's groups: the sets that were made, the groups that cannot be served, and what is left to be looked at. */
async function checkSome(
  broker: Broker,
  { queue, groups, cursor }: Line,
  { giveUpSignal: signal, ...policy }: GroupPolicy & Pick<AggregateOptions, "giveUpSignal"> & { readonly maxSets: number },
): Promise<{ readonly sets: readonly AggregationSet[]; readonly errors: AggregateReport["errors"]; readonly rest: Line | undefined }> {
  const page = groups.length > 0 ? { groups, cursor } : await listGroups(broker, queue, cursor, { signal });
  const some = page.groups.slice(0, maxGroupsPerCheck);
  const checked = some.length === 0 ? [] : await aggregationCheck(broker, queue, some, policy, { signal });
  const again = checked.filter(({ verdict }) => verdict === "due" || verdict === "cut").map(({ group }) => group);
  const left = [...page.groups.slice(maxGroupsPerCheck), ...again];
  return {
    sets: checked.flatMap(({ set }) => set ?? []),
    errors: checked
      .filter(({ verdict }) => verdict === "broken")
      .map(({ group }) => ({
        queue,
        group,
        error: new RedisError("the key of the group holds the wrong kind of value", { delivered: "no", reply: "WRONGTYPE" }),
      })),
    rest: left.length > 0 || page.cursor !== undefined ? { queue, groups: left, cursor: page.cursor } : undefined,
  };
}

function reportOf({ queue, group }: AggregationSet, { aggregated, quarantined, dangling, error }: SetReport): AggregateReport {
  return {
    ...nothing,
    sets: aggregated > 0 ? 1 : 0,
    aggregated,
    quarantined,
    dangling,
    lost: error instanceof AggregationSetLostError ? 1 : 0,
    errors: error === undefined ? [] : [{ queue, group, error }],
  };
}

function checkPolicy({ gracePeriodSec = defaultGracePeriodSec, maxDelaySec = 0, maxSize = 0 }: AggregateOptions): GroupPolicy {
  if (!(gracePeriodSec >= 1)) throw new InvalidOptionError("gracePeriodSec", "expected at least 1 second");
  if (!(maxDelaySec >= 0)) throw new InvalidOptionError("maxDelaySec", "expected seconds from 0");
  if (!Number.isSafeInteger(maxSize) || maxSize < 0) throw new InvalidOptionError("maxSize", "expected a whole number from 0");
  return { gracePeriodSec, maxDelaySec, maxSize };
}
