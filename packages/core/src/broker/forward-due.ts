import type { Broker } from "../broker.ts";
import { unixNs, unixSec } from "../clock.ts";
import { decodeCounts, toNextSec } from "../decode-reply.ts";
import { groupsKey, pendingKey, quarantineKey, queuePrefix, retryKey, scheduledKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { headSecond } from "../lua/head-second.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, runAll } from "../script.ts";
import type { TakenBy } from "../task-state.ts";

/** A call moves at most so many tasks. */
export const forwardBatch = 100;

/** Where tasks wait for their time. */
export interface WaitingSet {
  readonly queue: string;
  readonly from: TakenBy<"forwardDue">;
}

export interface ForwardCounts {
  /** Tasks made ready, or put back into their group. */
  readonly forwarded: number;
  /** Ids whose hash was gone, no hash, or without message: dropped. */
  readonly dangling: number;
  /** Tasks set aside since their group's key holds the wrong kind of value. */
  readonly quarantined: number;
  /** Whether a full batch was taken, so that more may be due. */
  readonly more: boolean;
  /** The second at which the next of those that are left is due, where none may be already. */
  readonly nextSec: number | undefined;
}

/**
 * scheduled | retry -> pending | aggregating: what is due, lowest score first. ZREM comes first, which Redis does not refuse when it is
 * full. A task that was in a group before goes back to it, and the group's name to the index.
 * @see Asynq internal/rdb/rdb.go, `forwardCmd`
 */
export const forwardDueScript = defineScript({
  name: "forward-due",
  effect: "record",
  allowOom: true,
  keys: ["source", "pending", "groups", "quarantine"],
  args: { from: "text", prefix: "text", now_s: "text", now_ns: "text", limit: "text" },
  lua: /* lua */ `
    ${containers}
    ${headSecond}
    if is_wrong("zset", source) or is_wrong("list", pending) or is_wrong("set", groups) or is_wrong("zset", quarantine) then
      return wrong_container()
    end
    local due = redis.call("ZRANGEBYSCORE", source, "-inf", now_s, "LIMIT", 0, limit)
    if #due == 0 then return "0,0,0,0," .. head_second(source) end

    local forwarded, dangling, quarantined, ready = 0, 0, 0, {}
    redis.call("ZREM", source, unpack(due))
    for _, id in ipairs(due) do
      local task = prefix .. "t:" .. id
      local fields = redis.pcall("HMGET", task, "msg", "group")
      local group = fields[2] or ""
      if not fields[1] then
        dangling = dangling + 1
      elseif group == "" then
        ready[#ready + 1] = id
        redis.call("HSET", task, "state", "pending", "pending_since", now_ns)
        forwarded = forwarded + 1
      elseif is_wrong("zset", prefix .. "g:" .. group) then
        redis.call("ZADD", quarantine, now_s, id)
        redis.call("HSET", task, "state", "js:quarantine", "js:from", from, "js:why", "the key of its group holds the wrong kind of value")
        quarantined = quarantined + 1
      else
        redis.call("ZADD", prefix .. "g:" .. group, now_s, id)
        redis.call("SADD", groups, group)
        redis.call("HSET", task, "state", "aggregating")
        forwarded = forwarded + 1
      end
    end
    if #ready > 0 then redis.call("LPUSH", pending, unpack(ready)) end
    return remember(#due .. "," .. forwarded .. "," .. dangling .. "," .. quarantined .. "," .. head_second(source))
  `,
  decode: (reply): ForwardCounts => {
    const { taken, next, ...counts } = decodeForwarded(reply);
    const more = taken === forwardBatch;
    return { ...counts, more, nextSec: toNextSec(more, next) };
  },
});

const decodeForwarded = decodeCounts("taken", "forwarded", "dangling", "quarantined", "next");

/**
 * Moves a batch of due tasks out of each of the sets: one call per set, all in one request; what became of each, in order.
 *
 * May be repeated: by the port, as the same call; called again it moves what is due next.
 * @throws {RedisError} the way to Redis failed
 */
export function forwardDue(broker: Broker, sets: readonly WaitingSet[], options: SendOptions = {}): Promise<Outcome<ForwardCounts>[]> {
  const nowMs = broker.clock.nowMs();
  return runAll(
    broker,
    sets.map(({ queue, from }) =>
      bind(forwardDueScript, {
        queue,
        keys: {
          source: from === "scheduled" ? scheduledKey(queue) : retryKey(queue),
          pending: pendingKey(queue),
          groups: groupsKey(queue),
          quarantine: quarantineKey(queue),
        },
        args: { from, prefix: queuePrefix(queue), now_s: unixSec(nowMs), now_ns: unixNs(nowMs), limit: forwardBatch },
      }),
    ),
    options,
  );
}
