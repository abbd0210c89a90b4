import { listKeys } from "../broker/list-keys.ts";
import { makeBroker } from "../broker.ts";
import { systemClock, systemRandom } from "../clock.ts";
import { allQueues } from "../keys.ts";
import type { RedisPort, SendOptions } from "../redis.ts";
import { runAll } from "../script.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";
import { confirmFindings, nameOf } from "./confirm-findings.ts";
import type { Finding } from "./finding.ts";
import { judgeSnapshot } from "./judge-snapshot.ts";
import type { QueueState } from "./queue-state.ts";
import { readQueue } from "./read-queue.ts";
import { scanParts, splitKey } from "./scan-parts.ts";

export interface ScanOptions {
  /** Which queues are judged. Default: all; on a Cluster all that inspectors can see. */
  readonly queues?: readonly string[] | undefined;
  /** How many findings are kept. Default 100. */
  readonly limit?: number | undefined;
  /** With it, whatever has been due for longer, and is still where it was, is a finding: I13. */
  readonly overdueSec?: number | undefined;
  /** The second that `overdueSec` counts from. Default: that of Redis. */
  readonly nowSec?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ScanReport {
  readonly findings: readonly Finding[];
  /** Whether there were more than `limit`. */
  readonly more: boolean;
  readonly tasks: number;
  readonly queues: number;
  /** What is judged by what comes later: see `monotone` and `untouchedWhilePaused`. */
  readonly states: readonly QueueState[];
}

/** A database with more queues than so is read in parts. */
const maxWhole = 20;
/** So many findings are looked at a second time; of more nothing new is learned. */
const maxSuspected = 10_000;

/**
 * Looks for what should never be, in every queue: I1 to I6, I8 to I11 and I15, and of I7 what one moment shows of it.
 *
 * Reads only. Where the keyspace is small each queue is read by one script, at one moment. A larger one is read in parts, none of which
 * holds Redis for more than a few milliseconds, and whatever looks wrong is looked at twice more: what moved meanwhile is not told.
 * @throws {RedisError}
 */
export async function scanInvariants(redis: RedisPort, options: ScanOptions = {}): Promise<ScanReport> {
  const { limit = 100, overdueSec, signal } = options;
  const broker = makeBroker({ redis, clock: systemClock, random: systemRandom });
  const findings: Finding[] = [];
  const states: QueueState[] = [];
  const dueBeforeSec = overdueSec === undefined ? undefined : (options.nowSec ?? (await redisSec(redis, { signal }))) - overdueSec;
  const registered = new Set(await namesOf(redis, { signal }));
  const { cluster } = await redis.features();

  let queues = options.queues ?? (cluster ? [...registered] : undefined);
  if (queues === undefined) {
    const page = await listKeys(broker, { cursor: "0", count: 1_000 }, { signal });
    if (page.cursor === "0") queues = [...new Set([...registered, ...page.keys.flatMap((key) => splitKey(key)?.queue ?? [])])];
  }

  let large: string[] | undefined = queues && [...queues];
  if (queues !== undefined && queues.length <= maxWhole) {
    const read = await runAll(broker, queues.map(readQueue), { signal });
    const report = (finding: Finding): void => void findings.push(finding);
    large = [];
    for (const [i, queue] of queues.entries()) {
      const { value, error } = read[i]!;
      if (error !== undefined) throw error;
      if (value === undefined) large.push(queue);
      else states.push(judgeSnapshot(queue, value, registered.has(queue), report, dueBeforeSec));
    }
    // A queue that was made meanwhile.
    if (findings.some(({ invariant }) => invariant === "I10"))
      findings.splice(0, findings.length, ...(await confirmFindings(redis, findings, { signal, dueBeforeSec })));
  }
  if (large === undefined || large.length > 0) {
    const suspected = new Map<string, Finding>();
    const suspect = (finding: Finding): void => {
      if (suspected.size < maxSuspected) suspected.set(nameOf(finding), finding);
    };
    states.push(...(await scanParts(broker, large, (queue) => registered.has(queue), suspect, { signal, dueBeforeSec })));
    findings.push(...(await confirmFindings(redis, [...suspected.values()], { signal, dueBeforeSec })));
  }
  return {
    findings: findings.slice(0, limit),
    more: findings.length > limit,
    tasks: states.reduce((sum, { tasks }) => sum + tasks, 0),
    queues: states.length,
    states,
  };
}

async function redisSec(redis: RedisPort, options: SendOptions): Promise<number> {
  const [time] = await sendPlain(redis, [["TIME"]], options);
  return Number(decodeText((time as readonly Uint8Array[])[0]!));
}

async function namesOf(redis: RedisPort, options: SendOptions): Promise<string[]> {
  const [names] = await sendPlain(redis, [["SMEMBERS", allQueues]], options);
  return (names as readonly Uint8Array[]).map(decodeText);
}
