import { listKeys } from "../broker/list-keys.ts";
import { listQueues } from "../broker/list-queues.ts";
import { type Broker, makeBroker } from "../broker.ts";
import { systemClock, systemRandom } from "../clock.ts";
import type { RedisError } from "../errors.ts";
import { splitKey } from "../keys.ts";
import type { RedisPort, SendOptions } from "../redis.ts";
import { runAll } from "../script.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";
import { confirmFindings, nameOf } from "./confirm-findings.ts";
import type { Finding } from "./finding.ts";
import { judgeSnapshot } from "./judge-snapshot.ts";
import type { QueueState } from "./queue-state.ts";
import { type QueueKey, readQueue } from "./read-queue.ts";
import { scanParts } from "./scan-parts.ts";

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
  const dueBeforeSec = overdueSec === undefined ? undefined : (options.nowSec ?? (await redisSec(redis, { signal }))) - overdueSec;
  const { queues, registered, read } = await readWhole(broker, options.queues, { signal });

  let findings: Finding[] = [];
  const states: QueueState[] = [];
  const report = (finding: Finding): void => void findings.push(finding);
  for (const [queue, keys] of read) states.push(judgeSnapshot(queue, keys, registered.has(queue), report, dueBeforeSec));
  // Their index was read before them, so a queue may have been made between the two. Of the rest one moment has shown more than a look at
  // what a finding names would.
  const unseen = findings.filter(({ invariant }) => invariant === "I10");
  if (unseen.length > 0) {
    const held = new Set(await confirmFindings(redis, unseen, { signal, dueBeforeSec }));
    findings = findings.filter((finding) => finding.invariant !== "I10" || held.has(finding));
  }

  const large = queues?.filter((queue) => !read.has(queue));
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

/** Reads whole what can be. Without `wanted` all queues; no `queues` are answered where there are too many keys to know them all by now. */
async function readWhole(
  broker: Broker,
  wanted: readonly string[] | undefined,
  options: SendOptions,
): Promise<{
  readonly queues: readonly string[] | undefined;
  readonly registered: ReadonlySet<string>;
  readonly read: ReadonlyMap<string, readonly QueueKey[]>;
}> {
  const { cluster } = await broker.redis.features();
  // Where the index itself is of the wrong kind, no queue can be seen.
  const registered = listQueues(broker, options).catch((error: unknown): string[] => {
    if ((error as RedisError).reply === "WRONGTYPE") return [];
    throw error;
  });
  let queues = wanted;
  if (queues === undefined && cluster) queues = await registered;
  if (queues === undefined) {
    const [names, page] = await Promise.all([registered, listKeys(broker, { cursor: "0", count: 1_000 }, options)]);
    if (page.cursor === "0") queues = [...new Set([...names, ...page.keys.flatMap((key) => splitKey(key)?.queue ?? [])])];
  }
  const few = queues !== undefined && queues.length <= maxWhole ? queues : [];
  const [names, outcomes] = await Promise.all([registered, runAll(broker, few.map(readQueue), options)]);
  const read = new Map<string, readonly QueueKey[]>();
  for (const [i, { value, error }] of outcomes.entries()) {
    if (error !== undefined) throw error;
    if (value !== undefined) read.set(few[i]!, value);
  }
  return { queues, registered: new Set(names), read };
}

async function redisSec(redis: RedisPort, options: SendOptions): Promise<number> {
  const [time] = await sendPlain(redis, [["TIME"]], options);
  return Number(decodeText((time as readonly Uint8Array[])[0]!));
}
