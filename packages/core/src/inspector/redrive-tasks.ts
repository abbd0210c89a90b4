import type { Broker } from "../broker.ts";
import { unixNs } from "../clock.ts";
import { archivedKey, pendingKey, queuePrefix, retryKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript } from "../script.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { rewriteTasks } from "./rewrite-tasks.ts";
import { decodeVerb, type TaskVerdict } from "./task-verbs.ts";

/** archived | retry -> pending, with the message of a task that never failed. */
export const redriveTasksScript = defineScript({
  name: "redrive-tasks",
  effect: "record",
  keys: ["archived", "retry", "pending"],
  args: { prefix: "text", now_ns: "text" },
  each: { id: "text", seen: "text", msg: "bytes" },
  lua: /* lua */ `
    ${containers}
    if is_wrong("zset", archived) or is_wrong("zset", retry) or is_wrong("list", pending) then return wrong_container() end
    local letters = {
      active = "A", pending = "P", scheduled = "S", completed = "C", aggregating = "G", ["js:quarantine"] = "Q"
    }
    local function redrive(id, seen, msg)
      local task = prefix .. "t:" .. id
      local fields = redis.pcall("HMGET", task, "msg", "state")
      local state = fields[2]
      if not fields[1] then return "n" end
      if state ~= "archived" and state ~= "retry" then return letters[state] or "m" end
      if redis.sha1hex(fields[1]) ~= seen then return "c" end
      if redis.call("ZREM", state == "archived" and archived or retry, id) == 0 then return "m" end
      redis.call("LPUSH", pending, id)
      redis.call("HSET", task, "msg", msg, "state", "pending", "pending_since", now_ns)
      redis.call("HDEL", task, "js:recovered", "js:handed_back")
      return "d"
    end
    local verdicts = {}
    for_each_item(id, seen, msg) do verdicts[item] = redrive(id, seen, msg) end
    return remember(table.concat(verdicts) .. ",0")
  `,
  decode: decodeVerb,
});

/**
 * Lets failed tasks, archived or in retry, begin anew: pending, with all their retries and no error; one verdict each, in order. Asynq runs such a
 * task once more with the retries it has left.
 *
 * May be repeated: yes; called again it answers `pending`.
 * @throws {RedisError}
 */
export function redriveTasks(broker: Broker, queue: string, ids: readonly string[], options: SendOptions = {}): Promise<TaskVerdict[]> {
  const now = unixNs(broker.clock.nowMs());
  return rewriteTasks(
    broker,
    queue,
    ids,
    (msg) => ({ msg: patchTaskMessage(msg, { retried: 0, errorMsg: undefined, lastFailedAtSec: undefined }) }),
    (items) =>
      bind(redriveTasksScript, {
        queue,
        keys: { archived: archivedKey(queue), retry: retryKey(queue), pending: pendingKey(queue) },
        args: { prefix: queuePrefix(queue), now_ns: now },
        items,
      }),
    options,
  );
}
