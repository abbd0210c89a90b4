import type { Broker } from "../broker.ts";
import { unixSec, uuid } from "../clock.ts";
import { aggregationSetKey, aggregationSetsKey, groupsKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeVerdicts } from "../verdicts.ts";

/** A call looks at no more groups than that. */
export const maxGroupsPerCheck = 100;
/** How long a set is its maker's, from its making and from each extension, seconds. Asynq: `aggregationTimeout`. */
export const aggregationTimeoutSec = 120;
/** A set that is cut from a larger group has at most so many tasks: they are copied, 10,000 in about 4 ms. A whole group is renamed, however large. */
const maxCutPerSet = 10_000;

/** When a group's tasks are to be aggregated. Whole seconds, cut as Asynq cuts durations. Asynq: the `Group*` of `Config`. */
export interface GroupPolicy {
  /** After so long without a new task. */
  readonly gracePeriodSec: number;
  /** After so long from the oldest task on; 0 is never. */
  readonly maxDelaySec: number;
  /** As soon as there are so many, and never more in a set; 0 is any number. */
  readonly maxSize: number;
}

/** Tasks taken out of a group to be aggregated; ours until its deadline, and as long as nobody gave them back. */
export interface AggregationSet {
  readonly queue: string;
  readonly group: string;
  readonly setId: string;
}

/**
 * `set`: the group's tasks are in a set now; `cut`: a set was made and the group has tasks left; `due`: it would have been, but as many
 * sets as were asked for are made; `wait`: not yet; `empty`: no tasks, so the name was taken out of the index; `broken`: its key holds the
 * wrong kind of value.
 */
export type AggregationVerdict = "set" | "cut" | "due" | "wait" | "empty" | "broken";

/** What became of one group; with a set if one was made. */
export interface CheckedGroup {
  readonly group: string;
  readonly verdict: AggregationVerdict;
  readonly set?: AggregationSet | undefined;
}

/**
 * aggregating in a group -> aggregating in a set, many groups at once, in Asynq's order of reasons. A whole group becomes a set by RENAME,
 * which costs the same for any size and which Redis does not refuse when it is full.
 * @see Asynq internal/rdb/rdb.go, `aggregationCheckCmd`
 */
export const aggregationCheckScript = defineScript({
  name: "aggregation-check",
  effect: "record",
  allowOom: true,
  keys: ["aggregation_sets", "groups"],
  args: {
    prefix: "text",
    now_s: "text",
    deadline_s: "text",
    max_size: "text",
    max_delay_s: "text",
    grace_s: "text",
    max_cut: "text",
    max_sets: "text",
  },
  each: { group: "text", set_key: "text" },
  lua: /* lua */ `
    ${containers}
    if is_wrong("zset", aggregation_sets) or is_wrong("set", groups) then return wrong_container() end
    local most, delay = tonumber(max_size), tonumber(max_delay_s)
    local function score_at(key, rank)
      return tonumber(redis.call("ZRANGE", key, rank, rank, "WITHSCORES")[2])
    end
    local function is_due(key, size)
      if most ~= 0 and size >= most then return true end
      if delay ~= 0 and score_at(key, 0) <= now_s - delay then return true end
      return score_at(key, -1) <= now_s - grace_s
    end

    local verdicts, sets_left, wrote = {}, tonumber(max_sets), false
    for_each_item(group, set_key) do
      local key = prefix .. "g:" .. group
      if is_wrong("zset", key) or redis.call("EXISTS", set_key) == 1 then
        verdicts[item] = "b"
      else
        local size = redis.call("ZCARD", key)
        if size == 0 then
          verdicts[item] = "e"
          wrote = redis.call("SREM", groups, group) == 1 or wrote
        elseif not is_due(key, size) then
          verdicts[item] = "w"
        elseif sets_left <= 0 then
          verdicts[item] = "d"
        else
          if most == 0 or size <= most then
            verdicts[item] = "s"
            redis.call("RENAME", key, set_key)
            redis.call("SREM", groups, group)
          else
            verdicts[item] = "c"
            local cut = math.min(most, max_cut)
            redis.call("ZRANGESTORE", set_key, key, 0, cut - 1)
            redis.call("ZREMRANGEBYRANK", key, 0, cut - 1)
          end
          redis.call("ZADD", aggregation_sets, deadline_s, set_key)
          sets_left = sets_left - 1
          wrote = true
        end
      end
    end
    local reply = table.concat(verdicts)
    return wrote and remember(reply) or reply
  `,
  decode: decodeVerdicts<AggregationVerdict>({ s: "set", c: "cut", d: "due", w: "wait", e: "empty", b: "broken" }),
});

/**
 * Makes sets of those groups of a queue whose time has come, at most `maxSets` of them; one answer per group, in order. At most 100 groups a call.
 *
 * May be repeated: by the port, as the same call, which then answers the same sets.
 * @throws {RedisError}
 */
export async function aggregationCheck(
  broker: Broker,
  queue: string,
  groups: readonly string[],
  { gracePeriodSec, maxDelaySec, maxSize, maxSets = maxGroupsPerCheck }: GroupPolicy & { readonly maxSets?: number },
  options: SendOptions = {},
): Promise<CheckedGroup[]> {
  const nowSec = unixSec(broker.clock.nowMs());
  const sets = groups.map((group): AggregationSet => ({ queue, group, setId: uuid(broker.random) }));
  const verdicts = await run(
    broker,
    bind(aggregationCheckScript, {
      queue,
      keys: { aggregation_sets: aggregationSetsKey(queue), groups: groupsKey(queue) },
      args: {
        prefix: queuePrefix(queue),
        now_s: nowSec,
        deadline_s: nowSec + aggregationTimeoutSec,
        max_size: maxSize,
        max_delay_s: Math.trunc(maxDelaySec),
        grace_s: Math.trunc(gracePeriodSec),
        max_cut: maxCutPerSet,
        max_sets: maxSets,
      },
      items: sets.map(({ group, setId }) => ({ group, set_key: aggregationSetKey(queue, group, setId) })),
    }),
    options,
  );
  return verdicts.map((verdict, i) => ({
    group: groups[i]!,
    verdict,
    set: verdict === "set" || verdict === "cut" ? sets[i] : undefined,
  }));
}
