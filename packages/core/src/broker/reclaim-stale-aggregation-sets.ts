import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { decodeCounts, toNextSec } from "../decode-reply.ts";
import { aggregationSetsKey, groupsKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { headSecond } from "../lua/head-second.ts";
import { setGroup } from "../lua/set-group.ts";
import type { SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, type Outcome, run, runAll } from "../script.ts";
import { aggregationTimeoutSec } from "./aggregation-check.ts";

export interface ReclaimedSets {
  /** Sets that are given back as a whole. */
  readonly sets: number;
  /** Tasks that are back in their group. */
  readonly reclaimed: number;
  /** Registered sets that were not there, or no set's name: dropped from the registry. */
  readonly dangling: number;
  /** Sets left for later, since their group's key holds the wrong kind of value. */
  readonly putOff: number;
  /** Whether more may be stale. */
  readonly more: boolean;
  /** The second at which the next deadline passes, where none may have passed. */
  readonly nextSec: number | undefined;
}

/**
 * aggregating in a set -> aggregating in its group, of sets whose deadline has passed, at most 10 sets and about 500 tasks; and the group's
 * name back into the index. A set whose group is empty is renamed, however large; of any other the tasks move in steps, and from the first
 * one on its deadline is 0, which tells its maker, and a Go recoverer goes on with it as it would with any.
 * @see Asynq internal/rdb/rdb.go, `reclaimStateAggregationSetsCmd`
 */
export const reclaimStaleAggregationSetsScript = defineScript({
  name: "reclaim-stale-aggregation-sets",
  effect: "record",
  allowOom: true,
  keys: ["aggregation_sets", "groups"],
  args: { prefix: "text", now_s: "text", put_off_until_s: "text" },
  lua: /* lua */ `
    ${containers}
    ${setGroup}
    ${headSecond}
    if is_wrong("zset", aggregation_sets) or is_wrong("set", groups) then return wrong_container() end
    local stale = redis.call("ZRANGEBYSCORE", aggregation_sets, "-inf", now_s, "LIMIT", 0, 10)
    if #stale == 0 then return "0,0,0,0,0," .. head_second(aggregation_sets) end

    local sets, reclaimed, dangling, put_off, left, more = 0, 0, 0, 0, 500, #stale == 10
    for _, set_key in ipairs(stale) do
      local group = set_group(set_key)
      local key = group and prefix .. "g:" .. group
      if left <= 0 then
        more = true
      elseif not group or redis.call("TYPE", set_key).ok ~= "zset" then
        redis.call("ZREM", aggregation_sets, set_key)
        dangling = dangling + 1
      elseif is_wrong("zset", key) then
        redis.call("ZADD", aggregation_sets, put_off_until_s, set_key)
        put_off = put_off + 1
      elseif redis.call("EXISTS", key) == 0 then
        redis.call("ZREM", aggregation_sets, set_key)
        redis.call("RENAME", set_key, key)
        redis.call("SADD", groups, group)
        sets = sets + 1
        reclaimed = reclaimed + redis.call("ZCARD", key)
      else
        local found = redis.call("ZRANGE", set_key, 0, left - 1, "WITHSCORES")
        local ids, scored = {}, {}
        for i = 1, #found, 2 do
          ids[#ids + 1] = found[i]
          scored[i], scored[i + 1] = found[i + 1], found[i]
        end
        redis.call("ZREM", set_key, unpack(ids))
        redis.call("ZADD", key, unpack(scored))
        redis.call("SADD", groups, group)
        if redis.call("EXISTS", set_key) == 0 then
          redis.call("ZREM", aggregation_sets, set_key)
          sets = sets + 1
        else
          redis.call("ZADD", aggregation_sets, 0, set_key)
          more = true
        end
        reclaimed = reclaimed + #ids
        left = left - #ids
      end
    end
    return remember(table.concat({ sets, reclaimed, dangling, put_off, more and 1 or 0, head_second(aggregation_sets) }, ","))
  `,
  decode: (reply): ReclaimedSets => {
    const { next, ...counts } = decodeReclaimed(reply);
    const more = counts.more === 1;
    return { ...counts, more, nextSec: toNextSec(more, next) };
  },
});

const decodeReclaimed = decodeCounts("sets", "reclaimed", "dangling", "putOff", "more", "next");

/**
 * Gives tasks of a queue's sets back to their groups whose maker did not aggregate them by the deadline. One call, a bounded part: call it
 * again while `more`.
 *
 * May be repeated: by the port, as the same call; called again it goes on.
 * @throws {RedisError}
 */
export function reclaimStaleAggregationSets(broker: Broker, queue: string, options: SendOptions = {}): Promise<ReclaimedSets> {
  return run(broker, reclaim(queue, unixSec(broker.clock.nowMs())), options);
}

/**
 * The same in each of the queues, all in one request; what became of each, in order.
 *
 * May be repeated: by the port, as the same calls; called again it goes on.
 * @throws {RedisError} the way to Redis failed
 */
export function reclaimStaleAggregationSetsOf(
  broker: Broker,
  queues: readonly string[],
  options: SendOptions = {},
): Promise<Outcome<ReclaimedSets>[]> {
  const nowSec = unixSec(broker.clock.nowMs());
  return runAll(
    broker,
    queues.map((queue) => reclaim(queue, nowSec)),
    options,
  );
}

function reclaim(queue: string, nowSec: number): BoundScript<ReclaimedSets> {
  return bind(reclaimStaleAggregationSetsScript, {
    queue,
    keys: { aggregation_sets: aggregationSetsKey(queue), groups: groupsKey(queue) },
    args: { prefix: queuePrefix(queue), now_s: nowSec, put_off_until_s: nowSec + aggregationTimeoutSec },
  });
}
