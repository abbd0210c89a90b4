import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { decodeCounts } from "../decode-reply.ts";
import { aggregationSetKey, aggregationSetsKey, quarantineKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { ownsSet } from "../lua/owns-set.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, runAll } from "../script.ts";
import { splitCalls } from "../split-calls.ts";
import type { AggregationSet } from "./aggregation-check.ts";

/** An id of a set that cannot be aggregated: with a reason it is set aside, without it is dropped since there is no task. */
export interface UnfitMember {
  readonly id: string;
  readonly why?: string | undefined;
}

/** What became of them; nothing if the set was not ours any more. */
export interface SetAsideReport {
  readonly quarantined: number;
  readonly dangling: number;
}

/** aggregating in a set -> quarantine, or nothing. A set that is empty then goes from the registry. */
export const setMembersAsideScript = defineScript({
  name: "set-members-aside",
  effect: "record",
  allowOom: true,
  keys: ["set", "aggregation_sets", "quarantine"],
  args: { prefix: "text", now_s: "text" },
  each: { id: "text", why: "text" },
  lua: /* lua */ `
    ${containers}
    ${ownsSet}
    if is_wrong("zset", set) or is_wrong("zset", aggregation_sets) or is_wrong("zset", quarantine) then return wrong_container() end
    if not owns_set(set) then return "0,0" end
    local quarantined, dangling = 0, 0
    for_each_item(id, why) do
      if redis.call("ZREM", set, id) == 1 then
        local task = prefix .. "t:" .. id
        local fields = redis.pcall("HMGET", task, "msg", "state")
        if why ~= "" and fields[1] and fields[2] == "aggregating" then
          redis.call("ZADD", quarantine, now_s, id)
          redis.call("HSET", task, "state", "js:quarantine", "js:from", "aggregating", "js:why", why)
          quarantined = quarantined + 1
        else
          dangling = dangling + 1
        end
      end
    end
    if redis.call("EXISTS", set) == 0 then redis.call("ZREM", aggregation_sets, set) end
    return remember(quarantined .. "," .. dangling)
  `,
  decode: decodeCounts("quarantined", "dangling"),
});

/**
 * Takes ids that cannot be aggregated out of a set of ours, 100 a call: those with a reason into quarantine, the others for good.
 *
 * May be repeated: by the port, as the same call.
 * @throws {RedisError} the way failed, or Redis refused
 */
export async function setMembersAside(
  broker: Broker,
  { queue, group, setId }: AggregationSet,
  unfit: readonly UnfitMember[],
  options: SendOptions = {},
): Promise<SetAsideReport> {
  const calls = splitCalls(unfit, { items: 100, bytes: 1024 * 1024 }, ({ why }) => why?.length ?? 0);
  const outcomes = await runAll(
    broker,
    calls.map((items) =>
      bind(setMembersAsideScript, {
        queue,
        keys: {
          set: aggregationSetKey(queue, group, setId),
          aggregation_sets: aggregationSetsKey(queue),
          quarantine: quarantineKey(queue),
        },
        args: { prefix: queuePrefix(queue), now_s: unixSec(broker.clock.nowMs()) },
        items: items.map(({ id, why = "" }) => ({ id, why })),
      }),
    ),
    options,
  );
  let [quarantined, dangling] = [0, 0];
  for (const { value, error } of outcomes) {
    if (error !== undefined) throw error;
    quarantined += value.quarantined;
    dangling += value.dangling;
  }
  return { quarantined, dangling };
}
