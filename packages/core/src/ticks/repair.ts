import { repairQueues } from "../broker/repair-queue.ts";
import type { Broker } from "../broker.ts";
import { decodeCount, readReply } from "../decode-reply.ts";
import { allQueues } from "../keys.ts";
import { type SweepReport, sweep } from "./sweep.ts";
import { addReports, batchesOfEach, runTick, type Spent, type TickOptions, type TickReport } from "./tick.ts";

export interface RepairOptions extends TickOptions {
  /**
   * Whether the keyspace is swept too, for what no container shows: hashes, locks and groups that nothing names. Default: where Redis is
   * reached directly; over HTTP, where each step is a request that is paid for, only when asked.
   */
  readonly sweep?: boolean | undefined;
}

export interface RepairReport extends TickReport, SweepReport {
  /** Active tasks that had no lease, so that nobody would have taken them back. */
  readonly leased: number;
  /** Ids whose hash was gone, no hash, or without message: dropped. */
  readonly dangling: number;
  /** Ids that stood in a second container: taken out of it. */
  readonly strays: number;
  /** Tasks that said to be elsewhere than in the one container they stood in: their state is that container's now. */
  readonly restated: number;
  /** Queues that inspectors could not see: named again. */
  readonly published: number;
}

/**
 * Mends what Go's scripts, evictions and restored backups leave behind: first what the containers of each queue show (of a queue with more
 * than a hundred ids its active tasks each time, the others once a minute, whoever asks), then, a part of the keyspace each time, what only
 * a sweep shows. Nothing that can still be done is removed.
 *
 * May be repeated and run in any number of copies at once; what is sound is left alone.
 * @throws {RedisError} the way to Redis failed
 */
export function repair(broker: Broker, options: RepairOptions): Promise<RepairReport> {
  return runTick(broker, options, (spent) => repairOnce(broker, options, spent));
}

const nothing: RepairReport = {
  leased: 0,
  reactivated: 0,
  dangling: 0,
  strays: 0,
  restated: 0,
  published: 0,
  requeued: 0,
  regrouped: 0,
  removed: 0,
  unlocked: 0,
  indexed: 0,
  more: false,
  errors: [],
};

async function repairOnce(broker: Broker, { queues, signal, sweep: swept }: RepairOptions, spent: Spent): Promise<RepairReport> {
  let report = nothing;
  let left = queues;
  for (let steps = 1; left.length > 0; steps *= 2) {
    if (spent()) return { ...report, more: true };
    const each = await batchesOfEach(broker, left.length, steps);
    const sent = left.flatMap((queue) => Array.from({ length: each }, () => queue));
    const found = await repairQueues(broker, sent, { signal });
    const [broken, whole, inUse] = [new Set<string>(), new Set<string>(), new Set<string>()];
    for (const [i, { value, error }] of found.entries()) {
      const queue = sent[i]!;
      if (error === undefined) {
        report = addReports(report, { ...nothing, ...value });
        if (value.whole) whole.add(queue);
        if (value.whole && value.inUse) inUse.add(queue);
      } else if (!broken.has(queue)) {
        report = addReports(report, { ...nothing, errors: [{ queue, error }] });
        broken.add(queue);
      }
    }
    if (inUse.size > 0) report = { ...report, published: report.published + (await publish(broker, [...inUse], signal)) };
    left = left.filter((queue) => !whole.has(queue) && !broken.has(queue));
  }
  const { codec } = await broker.redis.features();
  if (swept ?? codec === "raw") report = addReports(report, { ...nothing, ...(await sweep(broker, { queues, signal }, spent)) });
  return report;
}

/** Names queues in use to the inspectors; answers how many were not named before. */
async function publish({ redis }: Broker, queues: readonly string[], signal: AbortSignal | undefined): Promise<number> {
  const [added] = await redis.send([["SADD", allQueues, ...queues]], { signal });
  return added!.error === undefined ? readReply(added!.reply, decodeCount) : 0;
}
