import type { Broker } from "../broker.ts";
import { decodeCount } from "../decode-reply.ts";
import { activeKey, archivedKey, completedKey, groupsKey, pendingKey, queuePrefix, retryKey, scheduledKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, runAll } from "../script.ts";

/** So many tasks of each container, and so many groups, stand for the rest. Asynq: `memUsageCmd`'s sample sizes. */
const sampledTasks = 20;
const sampledGroups = 5;

/**
 * Of each container the memory of its own, and of its tasks the average of the first found times their number. What is gone by then is in no
 * average, where Asynq counts it as nothing or fails.
 * @see Asynq internal/rdb/inspect.go, `memoryUsageCmd`
 */
export const estimateMemoryScript = defineScript({
  name: "estimate-memory",
  effect: "read",
  keys: ["active", "pending", "scheduled", "retry", "archived", "completed", "groups"],
  args: { prefix: "text", tasks: "text", groups_max: "text" },
  lua: /* lua */ `
    local last = tonumber(tasks) - 1
    local function average(ids)
      local sum, found = 0, 0
      for _, id in ipairs(ids) do
        local bytes = redis.call("MEMORY", "USAGE", prefix .. "t:" .. id)
        if bytes then sum, found = sum + bytes, found + 1 end
      end
      return found > 0 and sum / found or 0
    end
    local function own(key)
      return redis.call("MEMORY", "USAGE", key) or 0
    end

    local total = 0
    for _, list in ipairs({ active, pending }) do
      total = total + own(list) + average(redis.call("LRANGE", list, 0, last)) * redis.call("LLEN", list)
    end
    for _, set in ipairs({ scheduled, retry, archived, completed }) do
      total = total + own(set) + average(redis.call("ZRANGE", set, 0, last)) * redis.call("ZCARD", set)
    end

    local group_count, some = redis.call("SCARD", groups), redis.call("SRANDMEMBER", groups, groups_max)
    local of_groups = 0
    for _, group in ipairs(some) do
      local key = prefix .. "g:" .. group
      of_groups = of_groups + own(key) + average(redis.call("ZRANGE", key, 0, last)) * redis.call("ZCARD", key)
    end
    if #some > 0 then total = total + own(groups) + of_groups / #some * group_count end
    return total
  `,
  decode: (reply) => decodeCount(reply),
});

/**
 * About how many bytes of Redis' memory each queue takes: all in one request, one outcome per queue in order. An estimate from samples; a
 * Redis that does not serve `MEMORY USAGE` to scripts refuses. Reads only.
 * @throws {RedisError} the way to Redis failed
 * @see Asynq internal/rdb/inspect.go, `memoryUsage`
 */
export function estimateMemory(broker: Broker, queues: readonly string[], options: SendOptions = {}): Promise<Outcome<number>[]> {
  return runAll(
    broker,
    queues.map((queue) =>
      bind(estimateMemoryScript, {
        queue,
        keys: {
          active: activeKey(queue),
          pending: pendingKey(queue),
          scheduled: scheduledKey(queue),
          retry: retryKey(queue),
          archived: archivedKey(queue),
          completed: completedKey(queue),
          groups: groupsKey(queue),
        },
        args: { prefix: queuePrefix(queue), tasks: sampledTasks, groups_max: sampledGroups },
      }),
    ),
    options,
  );
}
