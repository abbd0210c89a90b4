import type { Broker } from "../broker.ts";
import { utcDay } from "../clock.ts";
import { decodeCount, decodeList } from "../decode-reply.ts";
import {
  activeKey,
  archivedKey,
  completedKey,
  failedKey,
  failedTotalKey,
  groupsKey,
  leaseKey,
  pausedKey,
  pendingKey,
  processedKey,
  processedTotalKey,
  quarantineKey,
  queuePrefix,
  retryKey,
  scheduledKey,
} from "../keys.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, run, runAll } from "../script.ts";
import { decodeText, unexpected } from "../verdicts.ts";

/** So many groups are counted in one go; more are counted in as many steps as it takes, so that none holds Redis for long. */
const maxGroupsPerCall = 1_000;

/** How a queue stands. Asynq: `Stats`. */
export interface QueueStats {
  readonly queue: string;
  /** Tasks in all states of Asynq's. */
  readonly size: number;
  readonly pending: number;
  readonly active: number;
  readonly scheduled: number;
  readonly retry: number;
  readonly archived: number;
  readonly completed: number;
  /** Tasks waiting in groups, without those that are being aggregated; counted while tasks move where there are more than 1,000 groups. */
  readonly aggregating: number;
  readonly groups: number;
  /** Tasks set aside since their message cannot be read; in no other count. Ours (docs/extensions.md). */
  readonly quarantined: number;
  /** Leases, one per active task of a worker that lives. */
  readonly leases: number;
  /** Of this UTC day. */
  readonly processed: number;
  /** Of this UTC day. */
  readonly failed: number;
  readonly processedTotal: number;
  readonly failedTotal: number;
  readonly paused: boolean;
  /** How long the oldest pending task has waited, milliseconds; 0 when nothing is pending. */
  readonly latencyMs: number;
}

/** What the script answers, in order; then since when the oldest pending task waits. */
const counted = [
  "pending",
  "active",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "quarantined",
  "leases",
  "processed",
  "failed",
  "processedTotal",
  "failedTotal",
  "paused",
  "groups",
  "aggregating",
] as const;

/** Counts only. @see Asynq internal/rdb/inspect.go, `currentStatsCmd` */
export const readQueueStatsScript = defineScript({
  name: "read-queue-stats",
  effect: "read",
  keys: [
    "pending",
    "active",
    "scheduled",
    "retry",
    "archived",
    "completed",
    "quarantine",
    "lease",
    "processed",
    "failed",
    "processed_total",
    "failed_total",
    "paused",
    "groups",
  ],
  args: { prefix: "text", max_groups: "text" },
  lua: /* lua */ `
    local oldest = redis.call("LINDEX", pending, -1)
    local since = oldest and redis.call("HGET", prefix .. "t:" .. oldest, "pending_since") or ""
    local group_count, aggregating = redis.call("SCARD", groups), 0
    if group_count > tonumber(max_groups) then
      aggregating = -1
    else
      for _, group in ipairs(redis.call("SMEMBERS", groups)) do
        aggregating = aggregating + redis.call("ZCARD", prefix .. "g:" .. group)
      end
    end
    return {
      redis.call("LLEN", pending), redis.call("LLEN", active),
      redis.call("ZCARD", scheduled), redis.call("ZCARD", retry), redis.call("ZCARD", archived), redis.call("ZCARD", completed),
      redis.call("ZCARD", quarantine), redis.call("ZCARD", lease),
      redis.call("GET", processed) or 0, redis.call("GET", failed) or 0,
      redis.call("GET", processed_total) or 0, redis.call("GET", failed_total) or 0,
      redis.call("EXISTS", paused), group_count, aggregating, since
    }
  `,
  decode: decodeStats,
});

/** A step through the groups of a queue: where to go on, and how many tasks wait in those that were met. */
export const countGroupedScript = defineScript({
  name: "count-grouped",
  effect: "read",
  keys: ["groups"],
  args: { prefix: "text", cursor: "text", count: "text" },
  lua: /* lua */ `
    local page = redis.call("SSCAN", groups, cursor, "COUNT", count)
    local waiting = 0
    for _, group in ipairs(page[2]) do waiting = waiting + redis.call("ZCARD", prefix .. "g:" .. group) end
    return { page[1], waiting }
  `,
  decode: (reply) => {
    const [cursor = null, waiting = null] = decodeList(reply);
    return { cursor: decodeText(cursor), waiting: decodeCount(waiting) };
  },
});

/**
 * How each of the queues stands: all in one request, one outcome per queue in order; a queue that does not exist is all zeros. Reads only.
 * @throws {RedisError} the way to Redis failed
 * @see Asynq internal/rdb/inspect.go, `CurrentStats`
 */
export async function readQueueStats(broker: Broker, queues: readonly string[], options: SendOptions = {}): Promise<Outcome<QueueStats>[]> {
  const nowMs = broker.clock.nowMs();
  const day = utcDay(nowMs);
  const outcomes = await runAll(
    broker,
    queues.map((queue) =>
      bind(readQueueStatsScript, {
        queue,
        keys: {
          pending: pendingKey(queue),
          active: activeKey(queue),
          scheduled: scheduledKey(queue),
          retry: retryKey(queue),
          archived: archivedKey(queue),
          completed: completedKey(queue),
          quarantine: quarantineKey(queue),
          lease: leaseKey(queue),
          processed: processedKey(queue, day),
          failed: failedKey(queue, day),
          processed_total: processedTotalKey(queue),
          failed_total: failedTotalKey(queue),
          paused: pausedKey(queue),
          groups: groupsKey(queue),
        },
        args: { prefix: queuePrefix(queue), max_groups: maxGroupsPerCall },
      }),
    ),
    options,
  );
  return Promise.all(
    outcomes.map(async (outcome, i): Promise<Outcome<QueueStats>> => {
      if (outcome.error !== undefined) return outcome;
      const queue = queues[i]!;
      const stats = readStats(queue, outcome.value, nowMs);
      return { value: stats.aggregating >= 0 ? stats : withGrouped(stats, await countGrouped(broker, queue, options)) };
    }),
  );
}

interface Stats {
  readonly counts: Readonly<Record<(typeof counted)[number], number>>;
  readonly sinceNs: bigint | undefined;
}

function decodeStats(reply: Reply): Stats {
  const words = decodeList(reply);
  if (words.length !== counted.length + 1) unexpected();
  const counts = Object.fromEntries(
    counted.map((name, i) => [name, toNumber(words[i]!, name === "aggregating" ? -1 : 0)]),
  ) as Stats["counts"];
  const since = decodeText(words.at(-1)!);
  return { counts, sinceNs: /^\d+$/.test(since) ? BigInt(since) : undefined };
}

function readStats(queue: string, { counts, sinceNs }: Stats, nowMs: number): QueueStats {
  const latencyMs = sinceNs === undefined ? 0 : Math.max(0, nowMs - Number(sinceNs / 1_000_000n));
  return withGrouped({ ...counts, queue, size: 0, paused: counts.paused === 1, latencyMs }, counts.aggregating);
}

function withGrouped(stats: QueueStats, aggregating: number): QueueStats {
  const { pending, active, scheduled, retry, archived, completed } = stats;
  return { ...stats, aggregating, size: pending + active + scheduled + retry + archived + completed + Math.max(0, aggregating) };
}

/** A counter holds what anybody wrote there; what is no number counts as 0, as in Asynq. */
function toNumber(word: Reply, least: number): number {
  if (typeof word === "number") return Number.isSafeInteger(word) && word >= least ? word : unexpected();
  const text = decodeText(word);
  return /^\d{1,19}$/.test(text) ? Number(text) : 0;
}

async function countGrouped(broker: Broker, queue: string, options: SendOptions): Promise<number> {
  let total = 0;
  let cursor = "0";
  do {
    const step = await run(
      broker,
      bind(countGroupedScript, {
        queue,
        keys: { groups: groupsKey(queue) },
        args: { prefix: queuePrefix(queue), cursor, count: maxGroupsPerCall },
      }),
      options,
    );
    total += step.waiting;
    cursor = step.cursor;
  } while (cursor !== "0");
  return total;
}
