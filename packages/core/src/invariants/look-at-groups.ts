import type { Broker } from "../broker.ts";
import { aggregatedKey, aggregationSetsKey, groupsKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { setGroup } from "../lua/set-group.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeText } from "../verdicts.ts";
import type { GroupKey } from "./judge-queue.ts";

/** A key `g:…` at one moment. */
export interface LookedAtGroup extends GroupKey {
  readonly kind: string;
  /** The group that its members were held against, and which of them do not belong there; absent where there are too many to look at. */
  readonly walked?: { readonly group: string; readonly strays: readonly string[] } | undefined;
}

/** A call looks at so many members in all: those of small groups, of which there may be a million. */
const maxMembers = 500;

export const lookAtGroupsScript = defineScript({
  name: "look-at-groups",
  effect: "read",
  keys: ["groups", "sets", "aggregated"],
  args: { prefix: "text", members_max: "text" },
  each: { name: "text" },
  lua: /* lua */ `
    ${containers}
    ${setGroup}
    local members_left = tonumber(members_max)
    local function strays_in(key, group)
      local size = redis.call("ZCARD", key)
      if size > members_left then return false end
      members_left = members_left - size
      local strays = {}
      for _, id in ipairs(redis.call("ZRANGE", key, 0, -1)) do
        local fields = redis.pcall("HMGET", prefix .. "t:" .. id, "state", "group")
        if fields.err or fields[1] ~= "aggregating" or fields[2] ~= group then strays[#strays + 1] = id end
      end
      return strays
    end
    local has_groups, has_sets, has_aggregated = not is_wrong("set", groups), not is_wrong("zset", sets), not is_wrong("zset", aggregated)
    local reply = {}
    for_each_item(name) do
      local key = prefix .. "g:" .. name
      local kind, of_member = redis.call("TYPE", key).ok, false
      if kind == "zset" then
        of_member = redis.pcall("HGET", prefix .. "t:" .. redis.call("ZRANGE", key, 0, 0)[1], "group")
        if type(of_member) ~= "string" then of_member = false end
      end
      local in_groups = has_groups and redis.call("SISMEMBER", groups, name) or 0
      local in_sets = has_sets and redis.call("ZSCORE", sets, key) or has_aggregated and redis.call("ZSCORE", aggregated, key)
      local group = in_sets and set_group(key) or name
      reply[item] = { kind, in_groups, in_sets and 1 or 0, of_member, group, kind == "zset" and strays_in(key, group) }
    end
    return reply
  `,
  decode: (reply) => reply as readonly (readonly [Reply, number, number, Reply, Reply, readonly Reply[] | null])[],
});

/**
 * Looks at up to 100 keys `g:…`, each at one moment. One that is gone by now is left out. Reads only.
 * @throws {RedisError}
 */
export async function lookAtGroups(
  broker: Broker,
  queue: string,
  names: readonly string[],
  options: SendOptions,
): Promise<LookedAtGroup[]> {
  const bound = bind(lookAtGroupsScript, {
    queue,
    keys: { groups: groupsKey(queue), sets: aggregationSetsKey(queue), aggregated: aggregatedKey(queue) },
    args: { prefix: queuePrefix(queue), members_max: maxMembers },
    items: names.map((name) => ({ name })),
  });
  const looks = await run(broker, bound, options);
  return looks.flatMap(([kindWord, inGroups, inSets, ofMember, group, strays], i) => {
    const kind = decodeText(kindWord);
    if (kind === "none") return [];
    const memberGroup = ofMember === null ? undefined : decodeText(ofMember);
    const walked = strays === null ? undefined : { group: decodeText(group), strays: strays.map(decodeText) };
    return [{ name: names[i]!, kind, inGroups: inGroups === 1, inSets: inSets === 1, memberGroup, walked }];
  });
}
