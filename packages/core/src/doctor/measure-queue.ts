import type { Broker } from "../broker.ts";
import { decodeCount, decodeList, decodeOptional, decodeScore, toCount } from "../decode-reply.ts";
import {
  activeKey,
  aggregationSetsKey,
  archivedKey,
  completedKey,
  groupsKey,
  leaseKey,
  pausedKey,
  pendingKey,
  quarantineKey,
  queuePrefix,
  retryKey,
  scheduledKey,
} from "../keys.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, runAll } from "../script.ts";
import { recoverAfterSec } from "../ticks/recover.ts";
import { decodeText, unexpected } from "../verdicts.ts";
import type { QueueFacts } from "./facts.ts";

/** So many queues go in one request. */
const queuesPerRequest = 500;
/** Of a queue so many groups and leases stand for the rest, and what is due is counted no further. */
const most = { groups: 5, leases: 10, due: 1_000 };

/** Counts, and looks at the first of each: no more than a queue costs that is shown. */
export const measureQueueScript = defineScript({
  name: "measure-queue",
  effect: "read",
  keys: ["pending", "active", "scheduled", "retry", "archived", "completed", "quarantine", "lease", "paused", "groups", "aggregation_sets"],
  args: { prefix: "text", now_s: "text", lost_s: "text", max_due: "text", max_groups: "text", max_leases: "text" },
  lua: /* lua */ `
    local function first_of(key)
      return redis.call("ZRANGE", key, 0, 0, "WITHSCORES")[2] or "0"
    end
    -- How many, and the first: of what is empty nothing more is asked.
    local function size_of(key)
      local size = redis.call("ZCARD", key)
      return size, size > 0 and first_of(key) or "0"
    end
    local function count_until(key, until_s)
      return #redis.call("ZRANGEBYSCORE", key, "-inf", until_s, "LIMIT", 0, max_due)
    end
    local oldest = redis.call("LINDEX", pending, -1)
    local since = oldest and redis.call("HGET", prefix .. "t:" .. oldest, "pending_since") or ""
    local scheduled_count, first_scheduled = size_of(scheduled)
    local retry_count, first_retry = size_of(retry)
    local archived_count, first_archived = size_of(archived)
    local completed_count, first_completed = size_of(completed)
    local _, first_set = size_of(aggregation_sets)
    local due = (scheduled_count > 0 and count_until(scheduled, now_s) or 0) + (retry_count > 0 and count_until(retry, now_s) or 0)
    local group_count, grouped = redis.call("SCARD", groups), "0"
    if group_count > 0 then
      for _, group in ipairs(redis.call("SRANDMEMBER", groups, max_groups)) do
        local first = first_of(prefix .. "g:" .. group)
        if grouped == "0" or tonumber(first) > 0 and tonumber(first) < tonumber(grouped) then grouped = first end
      end
    end
    local leases, scores = redis.call("ZRANGE", lease, 0, max_leases - 1, "WITHSCORES"), {}
    for i = 2, #leases, 2 do scores[#scores + 1] = leases[i] end
    local lost = #leases > 0 and count_until(lease, lost_s) or 0
    return {
      redis.call("EXISTS", paused), oldest and redis.call("LLEN", pending) or 0, redis.call("LLEN", active),
      scheduled_count, retry_count, archived_count, completed_count, redis.call("ZCARD", quarantine), group_count, since,
      first_scheduled, first_retry, first_completed, first_archived, first_set, due, lost, grouped, scores, oldest or ""
    }
  `,
  decode: decodeMeasures,
});

/**
 * How each of the queues stands at that second, 500 in one request; one outcome per queue, in order. Reads only.
 * @throws {RedisError} the way to Redis failed
 */
export async function measureQueues(
  broker: Broker,
  queues: readonly string[],
  nowSec: number,
  options: SendOptions = {},
): Promise<Outcome<QueueFacts>[]> {
  const measured: Outcome<QueueFacts>[] = [];
  for (let at = 0; at < queues.length; at += queuesPerRequest) {
    const some = queues.slice(at, at + queuesPerRequest);
    const outcomes = await runAll(
      broker,
      some.map((queue) =>
        bind(measureQueueScript, {
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
            paused: pausedKey(queue),
            groups: groupsKey(queue),
            aggregation_sets: aggregationSetsKey(queue),
          },
          args: {
            prefix: queuePrefix(queue),
            now_s: nowSec,
            lost_s: nowSec - recoverAfterSec,
            max_due: most.due,
            max_groups: most.groups,
            max_leases: most.leases,
          },
        }),
      ),
      options,
    );
    for (const [i, { value, error }] of outcomes.entries())
      measured.push(error === undefined ? { value: { queue: some[i]!, ...value } } : { error });
  }
  return measured;
}

function decodeMeasures(reply: Reply): Omit<QueueFacts, "queue"> {
  const words = decodeList(reply);
  if (words.length !== 20) unexpected();
  const counts = [...words.slice(0, 9), ...words.slice(15, 17)].map((word) => decodeCount(word));
  const [paused, pending, active, scheduled, retry, archived, completed, quarantined, groups, due, lost] = counts as [
    ...[number, number, number, number, number, number, number, number, number, number, number],
  ];
  const since = decodeOptional(words[9]!, decodeText) ?? "";
  const [firstScheduledSec, firstRetrySec, firstCompletedSec, firstArchivedSec, firstSetSec] = words.slice(10, 15).map(decodeScore) as [
    ...[number, number, number, number, number],
  ];
  const leases = decodeList(words[18]!).map(decodeText);
  const ofOurs = leases.filter((score) => score.includes(".")).length;
  return {
    ...{ paused: paused === 1, pending, active, scheduled, retry, archived, completed, quarantined, groups, due, lost },
    pendingSinceSec: /^\d{10,19}$/.test(since) ? Math.floor(toCount(since.slice(0, -9))) : undefined,
    ...{ firstScheduledSec, firstRetrySec, firstCompletedSec, firstArchivedSec, firstSetSec },
    firstLeaseSec: Number(leases[0] ?? 0),
    groupedSinceSec: decodeScore(words[17]!),
    nextId: decodeText(words[19]!),
    leasesOfOurs: ofOurs,
    leasesOfGo: leases.length - ofOurs,
  };
}
