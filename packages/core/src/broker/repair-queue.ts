import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { stateContainers } from "../containers.ts";
import { decodeCounts } from "../decode-reply.ts";
import { activeKey, leaseKey, pendingKey, queuePrefix, repairCursorKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { isHome } from "../lua/is-home.ts";
import type { SendOptions } from "../redis.ts";
import { type BoundScript, bind, defineScript, type Outcome, run, runAll } from "../script.ts";

/** A step looks at so many ids. */
const looksPerStep = 100;
/**
 * A queue that takes several steps is looked through once in so long, by all repairers together: it may hold a million tasks, and there may
 * be a hundred servers. Its active tasks and leases are looked at each time.
 */
const wholeEverySec = 60;

/** What one step found and mended. */
export interface RepairStep {
  /** Active tasks without a lease, which nobody would ever take back: given one that has just ended, so the recoverer takes it. */
  readonly leased: number;
  /** Active tasks with a lease that were in the list of active tasks no more: put back into it. */
  readonly reactivated: number;
  /** Ids whose hash was gone, no hash, or without message: dropped. */
  readonly dangling: number;
  /** Ids that stood in a second container besides the one their state names: taken out of it. */
  readonly strays: number;
  /**
   * Tasks that said to be elsewhere than in the one container they stood in: their state is that container's now. Go's scripts move a task
   * first and then write its state, and may fail between the two.
   */
  readonly restated: number;
  /** Whether the queue holds anything. */
  readonly inUse: boolean;
  /** Whether all containers have been looked through, by this step and those before it or a moment ago; the next step begins anew. */
  readonly whole: boolean;
}

/** The containers as Lua has them, the leases after the active tasks: `{ prefix .. "active", "list" }, …`. */
const [activeFirst, ...others] = Object.entries(stateContainers).map(([rest, kind]) => `{ prefix .. "${rest}", "${kind}" }`);
const order = [activeFirst, '{ lease, "zset" }', ...others].join(", ");

/**
 * Walks through a queue's containers, a hundred ids a step, and mends what no script of ours leaves behind but Go's, an eviction or a
 * restored backup may. Where to go on is kept in Redis, so that steps may come from anywhere. A container of the wrong kind is passed over.
 */
export const repairQueueScript = defineScript({
  name: "repair-queue",
  effect: "record",
  keys: ["cursor", "active", "lease", "pending"],
  args: { prefix: "text", now_s: "text", looks_max: "text", whole_every_s: "text" },
  lua: /* lua */ `
    ${containers}
    ${isHome}
    local order = { ${order} }
    local can_lease, can_activate = not is_wrong("zset", lease), not is_wrong("list", active)

    -- From its end: there the oldest are, as they are first among the leases.
    local function is_active(id)
      return redis.call("LPOS", active, id, "RANK", -1)
    end
    -- Of an id that is in a list twice the first is taken out, and the other when its turn comes: no list is gone through to its end.
    local function take_out(kind, key, id)
      if kind == "list" then redis.call("LREM", key, 1, id) else redis.call("ZREM", key, id) end
    end

    local at, start, walked_s = string.match(redis.call("GET", cursor) or "", "^(%d+):(%d+):?(%d*)$")
    at, start, walked_s = tonumber(at or 1), tonumber(start or 0), tonumber(walked_s)
    local takes_steps = at > 1 or start > 0
    local was_walked = walked_s ~= nil and math.abs(now_s - walked_s) < tonumber(whole_every_s)
    local last = was_walked and 2 or #order
    local looks = tonumber(looks_max)
    local leased, reactivated, dangling, strays, restated = 0, 0, 0, 0, 0
    while at <= last and looks > 0 do
      local key, kind = order[at][1], order[at][2]
      local state = string.sub(key, #prefix + 1)
      local ids, gone = {}, 0
      if not is_wrong(kind, key) then ids = redis.call(kind == "list" and "LRANGE" or "ZRANGE", key, start, start + looks - 1) end
      for _, id in ipairs(ids) do
        local task = prefix .. "t:" .. id
        local fields = redis.pcall("HMGET", task, "msg", "state", "group")
        if not fields[1] then
          take_out(kind, key, id)
          if not fields.err then redis.call("DEL", task) end
          dangling, gone = dangling + 1, gone + 1
        elseif key == active and can_lease and not redis.call("ZSCORE", lease, id) then
          local is_elsewhere = fields[2] ~= "active" and is_home(id, fields[2], fields[3])
          if is_elsewhere then
            take_out(kind, key, id)
            strays, gone = strays + 1, gone + 1
          elseif is_elsewhere == false then
            redis.call("ZADD", lease, now_s, id)
            redis.call("HSET", task, "state", "active")
            leased = leased + 1
          end
        elseif key == lease and can_activate and not is_active(id) then
          if fields[2] == "active" then
            redis.call("LPUSH", active, id)
            reactivated = reactivated + 1
          else
            take_out(kind, key, id)
            strays, gone = strays + 1, gone + 1
          end
        elseif key ~= active and key ~= lease and fields[2] ~= state then
          local is_elsewhere = is_home(id, fields[2], fields[3])
          if is_elsewhere then
            take_out(kind, key, id)
            strays, gone = strays + 1, gone + 1
          elseif is_elsewhere == false then
            redis.call("HSET", task, "state", state)
            restated = restated + 1
          end
        end
      end
      if #ids < looks then
        at, start = at + 1, 0
      else
        start = start + #ids - gone
      end
      looks = looks - #ids
    end

    local in_use = redis.call("EXISTS", prefix .. "aggregation_sets", prefix .. "js:aggregated") > 0
    for _, container in ipairs(order) do in_use = in_use or redis.call("EXISTS", container[1]) == 1 end
    -- The index keeps names of groups that are empty.
    local groups = not is_wrong("set", prefix .. "groups") and redis.call("SRANDMEMBER", prefix .. "groups", 10) or {}
    for _, group in ipairs(groups) do in_use = in_use or redis.call("EXISTS", prefix .. "g:" .. group) == 1 end
    local whole = at > last
    if whole then at, start = 1, 0 end
    local done_s = was_walked and walked_s or whole and takes_steps and now_s or ""
    if in_use and not (whole and done_s == "") then
      redis.call("SET", cursor, string.format("%d:%d:%s", at, start, done_s), "EX", 86400)
    else
      redis.call("DEL", cursor)
    end
    return remember(table.concat({ leased, reactivated, dangling, strays, restated, in_use and 1 or 0, whole and 1 or 0 }, ","))
  `,
  decode: (reply): RepairStep => {
    const counts = decodeStep(reply);
    return { ...counts, inUse: counts.inUse === 1, whole: counts.whole === 1 };
  },
});

const decodeStep = decodeCounts("leased", "reactivated", "dangling", "strays", "restated", "inUse", "whole");

/**
 * One step through a queue's containers, going on where the last one, whoever made it, left off.
 *
 * May be repeated: yes; what is whole is left alone.
 * @throws {RedisError}
 */
export function repairQueue(broker: Broker, queue: string, options: SendOptions = {}): Promise<RepairStep> {
  return run(broker, stepThrough(queue, unixSec(broker.clock.nowMs())), options);
}

/**
 * One such step through each of the queues, all in one request; what each found, in order.
 *
 * May be repeated: yes; what is whole is left alone.
 * @throws {RedisError} the way to Redis failed
 */
export function repairQueues(broker: Broker, queues: readonly string[], options: SendOptions = {}): Promise<Outcome<RepairStep>[]> {
  const nowSec = unixSec(broker.clock.nowMs());
  return runAll(
    broker,
    queues.map((queue) => stepThrough(queue, nowSec)),
    options,
  );
}

function stepThrough(queue: string, nowSec: number): BoundScript<RepairStep> {
  return bind(repairQueueScript, {
    queue,
    keys: {
      cursor: repairCursorKey(queue),
      active: activeKey(queue),
      lease: leaseKey(queue),
      pending: pendingKey(queue),
    },
    args: { prefix: queuePrefix(queue), now_s: nowSec, looks_max: looksPerStep, whole_every_s: wholeEverySec },
  });
}
