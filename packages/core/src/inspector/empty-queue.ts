import type { Broker } from "../broker.ts";
import { stateContainers } from "../containers.ts";
import { toCount } from "../decode-reply.ts";
import { activeKey, aggregatedKey, aggregationSetsKey, groupsKey, queuePrefix } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { setGroup } from "../lua/set-group.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeText, unexpected } from "../verdicts.ts";

/** A step deletes at most so many tasks, and stops at about 1 MiB of messages. */
const tasksPerStep = 250;

/** What a step came to: `done`, all is empty; `more`, there may be more; `active`, a worker has a task; `not-empty`, and it was not forced. */
export interface EmptiedStep {
  readonly outcome: "done" | "more" | "active" | "not-empty";
  readonly deleted: number;
}

const outcomes: Readonly<Record<string, EmptiedStep["outcome"]>> = { d: "done", m: "more", a: "active", n: "not-empty" };

/** Every container of tasks but that of the active ones. */
const order = Object.entries(stateContainers)
  .filter(([state]) => state !== "active")
  .map(([state, kind]) => `{ prefix .. "${state}", "${kind}" }`)
  .join(", ");

/**
 * Any state but active -> gone: a step through a queue that is to be removed, container by container, then group by group and set by set. With
 * nothing forced it deletes no task, but the names of groups and sets that are empty.
 */
export const emptyQueueScript = defineScript({
  name: "empty-queue",
  effect: "record",
  allowOom: true,
  keys: ["active", "groups", "sets", "aggregated"],
  args: { prefix: "text", force: "text", limit: "text" },
  lua: /* lua */ `
    ${containers}
    ${setGroup}
    local is_forced, tasks_left, bytes_left, deleted = force == "1", tonumber(limit), 1048576, 0
    local function delete(id)
      local task = prefix .. "t:" .. id
      tasks_left = tasks_left - 1
      if redis.call("TYPE", task).ok ~= "hash" then return end
      bytes_left = bytes_left - redis.call("HSTRLEN", task, "msg")
      local lock = redis.call("HGET", task, "unique_key")
      redis.call("DEL", task)
      if lock and redis.pcall("GET", lock) == id then redis.call("DEL", lock) end
      deleted = deleted + 1
    end
    -- Whether the container is gone now.
    local function empty(key, kind)
      if is_wrong(kind, key) then
        redis.call("UNLINK", key)
        return true
      end
      while tasks_left > 0 and bytes_left > 0 do
        local id
        if kind == "list" then id = redis.call("RPOP", key) else id = redis.call("ZPOPMIN", key)[1] end
        if not id then return true end
        delete(id)
      end
      return redis.call("EXISTS", key) == 0
    end
    local function step()
      if redis.call("EXISTS", active) == 1 then return "a" end
      for index, kind in pairs({ [sets] = "zset", [aggregated] = "zset", [groups] = "set" }) do
        if is_wrong(kind, index) then
          if not is_forced then return "n" end
          redis.call("UNLINK", index)
        end
      end
      for _, container in ipairs({ ${order} }) do
        if redis.call("EXISTS", container[1]) == 1 then
          if not is_forced then return "n" end
          if not empty(container[1], container[2]) then return "m" end
        end
      end
      for _, index in ipairs({ sets, aggregated }) do
        local found = redis.call("ZRANGE", index, 0, 99)
        for _, key in ipairs(found) do
          if set_group(key) and redis.call("EXISTS", key) == 1 then
            if not is_forced then return "n" end
            if not empty(key, "zset") then return "m" end
          end
          redis.call("ZREM", index, key)
        end
        if #found == 100 then return "m" end
      end
      local found = redis.call("SRANDMEMBER", groups, 100)
      for _, group in ipairs(found) do
        local key = prefix .. "g:" .. group
        if redis.call("EXISTS", key) == 1 then
          if not is_forced then return "n" end
          if not empty(key, "zset") then return "m" end
        end
        redis.call("SREM", groups, group)
      end
      return #found == 100 and "m" or "d"
    end
    local outcome = step()
    return remember(outcome .. "," .. deleted)
  `,
  decode: (reply): EmptiedStep => {
    const [letter = "", deleted = ""] = decodeText(reply).split(",");
    return { outcome: outcomes[letter] ?? unexpected(), deleted: toCount(deleted) };
  },
});

/** One step towards an empty queue. May be repeated: yes, it goes on. @throws {RedisError} */
export function emptyQueue(broker: Broker, queue: string, force: boolean, options: SendOptions = {}): Promise<EmptiedStep> {
  return run(
    broker,
    bind(emptyQueueScript, {
      queue,
      keys: { active: activeKey(queue), groups: groupsKey(queue), sets: aggregationSetsKey(queue), aggregated: aggregatedKey(queue) },
      args: { prefix: queuePrefix(queue), force: force ? 1 : 0, limit: tasksPerStep },
    }),
    options,
  );
}
