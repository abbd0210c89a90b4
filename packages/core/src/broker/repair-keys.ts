import type { Broker } from "../broker.ts";
import { unixNs, unixSec } from "../clock.ts";
import { activeKey, aggregatedKey, aggregationSetsKey, groupsKey, leaseKey, pendingKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { isHome } from "../lua/is-home.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeVerdicts } from "../verdicts.ts";

/** A key of a queue, without the queue's prefix, and whether it was found unsound long enough ago to be dealt with. */
export interface SuspectKey {
  /** Such as `t:<id>`, `unique:<type>:<md5>`, `g:<group>`. */
  readonly rest: string;
  readonly ripe: boolean;
}

/** A call judges at most so many keys. */
export const maxKeysPerRepair = 100;

/**
 * `sound`; `unsound`: seen for the first time, or not long enough ago; or what was done: `requeued` a task that was in no container,
 * `regrouped` one of a group, `reactivated` one that was active, `removed` a hash of no task or of one that was trimmed, `unlocked` a lock of nobody, `indexed` a group
 * or an aggregation set that its index lacked.
 */
export type KeyVerdict = "sound" | "unsound" | "requeued" | "regrouped" | "reactivated" | "removed" | "unlocked" | "indexed";

/**
 * Judges keys by what the containers say at this very moment. An index is mended at once, since no script leaves one behind for later; a
 * hash or a lock only when it was unsound a while ago as well. A task that can still be done is put back, never removed: it was acknowledged.
 */
export const repairKeysScript = defineScript({
  name: "repair-keys",
  effect: "record",
  keys: ["pending", "active", "lease", "groups", "sets", "aggregated"],
  args: { prefix: "text", now_s: "text", now_ns: "text" },
  each: { rest: "text", ripe: "text" },
  lua: /* lua */ `
    ${containers}
    ${isHome}
    if
      is_wrong("list", pending) or is_wrong("list", active) or is_wrong("zset", lease) or is_wrong("set", groups)
      or is_wrong("zset", sets) or is_wrong("zset", aggregated)
    then
      return wrong_container()
    end
    local function judge_task(task, id, ripe)
      local fields = redis.pcall("HMGET", task, "msg", "state", "group", "pending_since")
      if fields.err then return "." end
      local msg, state, group = fields[1], fields[2], fields[3]
      if redis.call("EXISTS", task) == 0 then return "." end
      if msg and is_home(id, state, group, tonumber(fields[4]) or math.huge) ~= false then return "." end
      if ripe == "0" then return "u" end
      if not msg or state == "archived" or state == "completed" then
        redis.call("DEL", task)
        return "d"
      end
      if state == "active" then
        redis.call("LPUSH", active, id)
        redis.call("ZADD", lease, now_s, id)
        return "a"
      end
      local key_of_group = state == "aggregating" and group and group ~= "" and prefix .. "g:" .. group
      if key_of_group and not is_wrong("zset", key_of_group) then
        redis.call("ZADD", key_of_group, now_s, id)
        redis.call("SADD", groups, group)
        return "g"
      end
      redis.call("LPUSH", pending, id)
      redis.call("HSET", task, "state", "pending", "pending_since", now_ns)
      return "p"
    end
    local function judge_lock(lock, ripe)
      local id = redis.pcall("GET", lock)
      if type(id) ~= "string" then return "." end
      local fields = redis.pcall("HMGET", prefix .. "t:" .. id, "msg", "unique_key")
      local msg, names = fields[1], fields[2]
      -- Go names the lock of a task of a group in its message alone.
      if msg and (names == lock or not names and string.find(msg, lock, 1, true)) then return "." end
      if ripe == "0" then return "u" end
      redis.call("DEL", lock)
      return "l"
    end
    local function judge_group(key, name)
      if redis.call("TYPE", key).ok ~= "zset" or redis.call("SISMEMBER", groups, name) == 1 then return "." end
      -- Go lets a group be named as our sets are: what a member says of its group tells them apart.
      local of_member = redis.pcall("HGET", prefix .. "t:" .. redis.call("ZRANGE", key, 0, 0)[1], "group")
      local uuid = string.sub(name, -37)
      if of_member ~= name and string.find(uuid, "^:%x+%-%x+%-%x+%-%x+%-%x+$") and #uuid == 37 then
        if redis.call("ZSCORE", sets, key) or redis.call("ZSCORE", aggregated, key) then return "." end
        redis.call("ZADD", sets, now_s, key)
        return "i"
      end
      redis.call("SADD", groups, name)
      return "i"
    end

    local verdicts = {}
    for_each_item(rest, ripe) do
      local verdict = "."
      if string.sub(rest, 1, 2) == "t:" then
        verdict = judge_task(prefix .. rest, string.sub(rest, 3), ripe)
      elseif string.sub(rest, 1, 7) == "unique:" then
        verdict = judge_lock(prefix .. rest, ripe)
      elseif string.sub(rest, 1, 2) == "g:" then
        verdict = judge_group(prefix .. rest, string.sub(rest, 3))
      end
      verdicts[item] = verdict
    end
    return remember(table.concat(verdicts))
  `,
  decode: decodeVerdicts<KeyVerdict>({
    ".": "sound",
    u: "unsound",
    p: "requeued",
    g: "regrouped",
    a: "reactivated",
    d: "removed",
    l: "unlocked",
    i: "indexed",
  }),
});

/**
 * Judges up to 100 keys of one queue and mends what is to be mended; one verdict each, in order.
 *
 * May be repeated: yes; what is sound is left alone.
 * @throws {RedisError}
 */
export function repairKeys(
  broker: Broker,
  queue: string,
  keys: readonly SuspectKey[],
  options: SendOptions = {},
): Promise<readonly KeyVerdict[]> {
  const nowMs = broker.clock.nowMs();
  return run(
    broker,
    bind(repairKeysScript, {
      queue,
      keys: {
        pending: pendingKey(queue),
        active: activeKey(queue),
        lease: leaseKey(queue),
        groups: groupsKey(queue),
        sets: aggregationSetsKey(queue),
        aggregated: aggregatedKey(queue),
      },
      args: { prefix: queuePrefix(queue), now_s: unixSec(nowMs), now_ns: unixNs(nowMs) },
      items: keys.map(({ rest, ripe }) => ({ rest, ripe: ripe ? 1 : 0 })),
    }),
    options,
  );
}
