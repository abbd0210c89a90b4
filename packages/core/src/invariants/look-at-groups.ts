import type { Broker } from "../broker.ts";
import { aggregatedKey, aggregationSetsKey, groupsKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeText } from "../verdicts.ts";
import type { GroupKey } from "./judge-queue.ts";

export const lookAtGroupsScript = defineScript({
  name: "look-at-groups",
  effect: "read",
  keys: ["groups", "sets", "aggregated"],
  args: { prefix: "text" },
  each: { name: "text" },
  lua: /* lua */ `
    ${containers}
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
      reply[item] = { kind, in_groups, in_sets and 1 or 0, of_member }
    end
    return reply
  `,
  decode: (reply) => reply as readonly (readonly [Reply, number, number, Reply])[],
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
): Promise<(GroupKey & { readonly kind: string })[]> {
  const bound = bind(lookAtGroupsScript, {
    queue,
    keys: { groups: groupsKey(queue), sets: aggregationSetsKey(queue), aggregated: aggregatedKey(queue) },
    args: { prefix: queuePrefix(queue) },
    items: names.map((name) => ({ name })),
  });
  return (await run(broker, bound, options)).flatMap(([kindWord, inGroups, inSets, ofMember], i) => {
    const kind = decodeText(kindWord);
    const memberGroup = ofMember === null ? undefined : decodeText(ofMember);
    return kind === "none" ? [] : [{ name: names[i]!, kind, inGroups: inGroups === 1, inSets: inSets === 1, memberGroup }];
  });
}
