import type { Broker } from "../broker.ts";
import { unixNs } from "../clock.ts";
import { pendingKey, quarantineKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { splitCalls } from "../split-calls.ts";
import { decodeVerdicts } from "../verdicts.ts";

/** `not-quarantined`: it is in no quarantine, nothing was written; `dangling`: there was no task any more, and the id was dropped. */
export type QuarantineVerdict = "released" | "deleted" | "not-quarantined" | "dangling";

const maxPerCall = { items: 100, bytes: 1024 * 1024 };

/** js:quarantine -> pending | gone. A task that is released begins anew: what was counted of lost workers is gone. */
export const leaveQuarantineScript = defineScript({
  name: "leave-quarantine",
  effect: "record",
  keys: ["quarantine", "pending"],
  args: { prefix: "text", to: "text", now_ns: "text" },
  each: { id: "text" },
  lua: /* lua */ `
    ${containers}
    if is_wrong("zset", quarantine) or is_wrong("list", pending) then return wrong_container() end
    local verdicts = {}
    for_each_item(id) do
      local task = prefix .. "t:" .. id
      if redis.call("ZREM", quarantine, id) == 0 then
        verdicts[item] = "n"
      elseif redis.pcall("HEXISTS", task, "msg") ~= 1 then
        verdicts[item] = "x"
      elseif to == "pending" then
        redis.call("HSET", task, "state", "pending", "pending_since", now_ns)
        redis.call("HDEL", task, "js:from", "js:why", "js:recovered", "js:handed_back")
        redis.call("LPUSH", pending, id)
        verdicts[item] = "r"
      else
        local lock = redis.call("HGET", task, "unique_key")
        redis.call("DEL", task)
        if lock and lock ~= "" and redis.pcall("GET", lock) == id then redis.call("DEL", lock) end
        verdicts[item] = "d"
      end
    end
    return remember(table.concat(verdicts))
  `,
  decode: decodeVerdicts<QuarantineVerdict>({ r: "released", d: "deleted", n: "not-quarantined", x: "dangling" }),
});

/**
 * Makes quarantined tasks pending, to be read again, by a newer version or once whoever wrote them mended it; one verdict each, in order.
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
  for (const some of splitCalls(ids, maxPerCall, (id) => id.length)) {
    const script = bind(leaveQuarantineScript, {
      queue,
      keys: { quarantine: quarantineKey(queue), pending: pendingKey(queue) },
      args: { prefix: queuePrefix(queue), to, now_ns: unixNs(broker.clock.nowMs()) },
      items: some.map((id) => ({ id })),
    });
    verdicts.push(...(await run(broker, script, options)));
  }
  return verdicts;
}
