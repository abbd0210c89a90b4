import type { Broker } from "../broker.ts";
import { queuePrefix, uniqueKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript } from "../script.ts";
import { type Payload, Task } from "../task.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { rewriteTasks } from "./rewrite-tasks.ts";
import { decodeVerb, type TaskVerdict } from "./task-verbs.ts";

/** A task and what its payload is to be. */
export interface NewPayload {
  readonly id: string;
  readonly payload: Payload;
}

/**
 * Changes the messages of tasks that wait, or are archived, where they are. The unique lock that a task holds goes with it, for the time it has
 * left: it is given back under the old payload and taken under the new one, in the same step, or the task stays as it is.
 * @see Asynq internal/rdb/inspect.go, `updateTaskPayloadCmd`, for scheduled tasks alone, which overwrites and moves no lock
 */
export const updateTaskPayloadsScript = defineScript({
  name: "update-task-payloads",
  effect: "record",
  keys: [],
  args: { prefix: "text" },
  each: { id: "text", seen: "text", msg: "bytes", old_lock: "text", lock: "text" },
  lua: /* lua */ `
    local letters = { active = "A", completed = "C", ["js:quarantine"] = "Q" }
    local takes = { pending = true, scheduled = true, retry = true, archived = true, aggregating = true }
    local function update(id, seen, msg, old_lock, lock)
      local task = prefix .. "t:" .. id
      local fields = redis.pcall("HMGET", task, "msg", "state", "group")
      local state = fields[2]
      if not fields[1] then return "n" end
      if not takes[state] then return letters[state] or "m" end
      if state == "aggregating" and type(redis.pcall("ZSCORE", prefix .. "g:" .. (fields[3] or ""), id)) ~= "string" then return "G" end
      if redis.sha1hex(fields[1]) ~= seen then return "c" end
      if lock ~= old_lock then
        if redis.pcall("GET", old_lock) == id then
          if redis.call("EXISTS", lock) == 1 then return "u" end
          local ttl_ms = redis.call("PTTL", old_lock)
          if ttl_ms < 0 then redis.call("SET", lock, id) else redis.call("SET", lock, id, "PX", math.max(1, ttl_ms)) end
          redis.call("DEL", old_lock)
        end
        redis.call("HSET", task, "msg", msg, "unique_key", lock)
      else
        redis.call("HSET", task, "msg", msg)
      end
      return "d"
    end
    local verdicts = {}
    for_each_item(id, seen, msg, old_lock, lock) do verdicts[item] = update(id, seen, msg, old_lock, lock) end
    return remember(table.concat(verdicts) .. ",0")
  `,
  decode: decodeVerb,
});

/**
 * Gives tasks other payloads while they are pending, scheduled, in retry, archived or waiting in a group; one verdict each, in order. `duplicate`:
 * another task holds the unique lock of the new payload. All else of a message stays byte for byte.
 *
 * May be repeated: yes, it writes the same.
 * @throws {InvalidOptionError} a payload that JSON cannot hold, before any I/O
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `UpdateTaskPayload`
 */
export async function updateTaskPayloads(
  broker: Broker,
  queue: string,
  changes: readonly NewPayload[],
  options: SendOptions = {},
): Promise<TaskVerdict[]> {
  // A task's constructor says what bytes a payload is.
  const payloads = changes.map(({ payload }) => new Task("any", payload).payload);
  return rewriteTasks(
    broker,
    queue,
    changes.map(({ id }) => id),
    (msg, nth) => {
      const { type, uniqueKey: oldLock } = decodeTaskMessage(msg, "a task message");
      const payload = payloads[nth];
      if (oldLock === undefined) return { msg: patchTaskMessage(msg, { payload }), old_lock: "", lock: "" };
      const lock = uniqueKey(queue, type, payload);
      return { msg: patchTaskMessage(msg, { payload, uniqueKey: lock }), old_lock: oldLock, lock };
    },
    (items) => bind(updateTaskPayloadsScript, { queue, keys: {}, args: { prefix: queuePrefix(queue) }, items }),
    options,
  );
}
