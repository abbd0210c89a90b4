import type { Broker } from "../broker.ts";
import { unixNs, unixSec } from "../clock.ts";
import { groupsKey, pendingKey, quarantineKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { splitCalls } from "../split-calls.ts";
import { decodeVerdicts } from "../verdicts.ts";

/** `not-quarantined`: it is in no quarantine, nothing was written; `dangling`: there was no task any more, and the id was dropped. */
export type QuarantineVerdict = "released" | "deleted" | "not-quarantined" | "dangling";

const maxPerCall = { items: 100, bytes: 1024 * 1024 };

/**
 * js:quarantine -> pending | aggregating | gone. A task that was set aside on its way out of a group goes back to it. A task that is
 * released begins anew: what was counted of lost workers is gone.
 */
export const leaveQuarantineScript = defineScript({
  name: "leave-quarantine",
  effect: "record",
  keys: ["quarantine", "pending", "groups"],
  args: { prefix: "text", to: "text", now_s: "text", now_ns: "text" },
  each: { id: "text" },
  lua: /* lua */ `
    ${containers}
    if is_wrong("zset", quarantine) or is_wrong("list", pending) or is_wrong("set", groups) then return wrong_container() end
    local function group_of(task)
      local fields = redis.call("HMGET", task, "js:from", "group")
      if fields[1] == "aggregating" and fields[2] and not is_wrong("zset", prefix .. "g:" .. fields[2]) then
        return fields[2]
      end
    end
    local verdicts = {}
    for_each_item(id) do
      local task = prefix .. "t:" .. id
      if redis.call("ZREM", quarantine, id) == 0 then
        verdicts[item] = "n"
      elseif redis.pcall("HEXISTS", task, "msg") ~= 1 then
        verdicts[item] = "x"
      elseif to == "pending" then
        local group = group_of(task)
        if group then
          redis.call("HSET", task, "state", "aggregating")
          redis.call("ZADD", prefix .. "g:" .. group, now_s, id)
          redis.call("SADD", groups, group)
        else
          redis.call("HSET", task, "state", "pending", "pending_since", now_ns)
          redis.call("LPUSH", pending, id)
        end
        redis.call("HDEL", task, "js:from", "js:why", "js:recovered", "js:handed_back")
        verdicts[item] = "r"
      else
        local lock = redis.call("HGET", task, "unique_key")
        redis.call("DEL", task)
        if lock and redis.pcall("GET", lock) == id then redis.call("DEL", lock) end
        verdicts[item] = "d"
      end
    end
    return remember(table.concat(verdicts))
  `,
  decode: decodeVerdicts<QuarantineVerdict>({ r: "released", d: "deleted", n: "not-quarantined", x: "dangling" }),
});

/**
 * Makes quarantined tasks pending, or puts them back into the group they were aggregated from, to be read again, by a newer version or once
 * whoever wrote them mended it; one verdict each, in order.
 *
 * May be repeated: yes; called again it answers `not-quarantined`.
 * @throws {RedisError}
 */
export function releaseQuarantined(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  options: SendOptions = {},
): Promise<QuarantineVerdict[]> {
  return leaveQuarantine(broker, queue, ids, "pending", options);
}

/**
 * Deletes quarantined tasks and gives back the unique locks they hold; one verdict each, in order.
 *
 * May be repeated: yes; called again it answers `not-quarantined`.
 * @throws {RedisError}
 */
export function deleteQuarantined(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  options: SendOptions = {},
): Promise<QuarantineVerdict[]> {
  return leaveQuarantine(broker, queue, ids, "gone", options);
}

async function leaveQuarantine(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  to: "pending" | "gone",
  options: SendOptions,
): Promise<QuarantineVerdict[]> {
  const verdicts: QuarantineVerdict[] = [];
  const nowMs = broker.clock.nowMs();
  for (const some of splitCalls(ids, maxPerCall, (id) => id.length)) {
    const script = bind(leaveQuarantineScript, {
      queue,
      keys: { quarantine: quarantineKey(queue), pending: pendingKey(queue), groups: groupsKey(queue) },
      args: { prefix: queuePrefix(queue), to, now_s: unixSec(nowMs), now_ns: unixNs(nowMs) },
      items: some.map((id) => ({ id })),
    });
    verdicts.push(...(await run(broker, script, options)));
  }
  return verdicts;
}
