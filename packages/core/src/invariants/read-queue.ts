import { globPattern } from "../broker/list-keys.ts";
import { pendingKey, queuePrefix } from "../keys.ts";
import type { Reply } from "../redis.ts";
import { type BoundScript, bind, defineScript } from "../script.ts";
import { decodeText } from "../verdicts.ts";
import type { TaskHash } from "./judge-task.ts";

/** One key of a queue, without the queue's prefix in its name. */
export type QueueKey = { readonly rest: string; readonly kind: string } & (
  | { readonly values: readonly Reply[] }
  | { readonly hash: TaskHash }
  | { readonly text: string }
);

/** What one call may look at: a larger queue is read in parts. */
const most = { keys: 500, elements: 1_000, bytes: 1_048_576 };

/** The fields of a task that are judged, in the order of `readHash`. */
export const judgedFields = ["msg", "state", "group", "unique_key", "pending_since", "js:recovered", "js:from", "js:why"];

/** A whole queue at one moment, or nothing where it is too large for one call. */
export const readQueueScript = defineScript({
  name: "read-queue",
  effect: "read",
  keys: ["pending"],
  args: { prefix: "text", pattern: "text", keys_max: "text", elements_max: "text", bytes_max: "text" },
  lua: /* lua */ `
    if redis.call("DBSIZE") > tonumber(keys_max) then return nil end
    local rests, seen, cursor = {}, {}, "0"
    repeat
      local page = redis.call("SCAN", cursor, "MATCH", pattern, "COUNT", keys_max)
      cursor = page[1]
      for _, key in ipairs(page[2]) do
        local rest = string.sub(key, #prefix + 1)
        if not seen[key] and string.sub(rest, 1, 8) ~= "js:call:" then rests[#rests + 1] = rest end
        seen[key] = true
      end
    until cursor == "0"

    local size_of = { list = "LLEN", zset = "ZCARD", set = "SCARD" }
    local elements_left, bytes_left = tonumber(elements_max), tonumber(bytes_max)
    local kinds = {}
    for i, rest in ipairs(rests) do
      local kind = redis.call("TYPE", prefix .. rest).ok
      kinds[i] = kind
      if size_of[kind] then elements_left = elements_left - redis.call(size_of[kind], prefix .. rest) end
      if kind == "hash" then bytes_left = bytes_left - redis.call("HSTRLEN", prefix .. rest, "msg") end
      if kind == "string" then bytes_left = bytes_left - redis.call("STRLEN", prefix .. rest) end
      if elements_left < 0 or bytes_left < 0 then return nil end
    end

    local reply = {}
    for i, rest in ipairs(rests) do
      local key, kind = prefix .. rest, kinds[i]
      local value = false
      if kind == "list" then value = redis.call("LRANGE", key, 0, -1)
      elseif kind == "zset" then value = redis.call("ZRANGE", key, 0, -1, "WITHSCORES")
      elseif kind == "set" then value = redis.call("SMEMBERS", key)
      elseif kind == "string" then value = redis.call("GET", key)
      elseif kind == "hash" then value = redis.call("HMGET", key, ${judgedFields.map((field) => `"${field}"`).join(", ")})
      end
      reply[#reply + 1] = rest
      reply[#reply + 1] = kind
      reply[#reply + 1] = value
    end
    return reply
  `,
  decode: (reply): readonly QueueKey[] | undefined => {
    if (reply === null) return undefined;
    const words = reply as readonly Reply[];
    return Array.from({ length: words.length / 3 }, (_, i): QueueKey => {
      const rest = decodeText(words[i * 3]!);
      const kind = decodeText(words[i * 3 + 1]!);
      const value = words[i * 3 + 2]!;
      if (kind === "hash") return { rest, kind, hash: readHash(value as readonly Reply[]) };
      if (kind === "string") return { rest, kind, text: decodeText(value) };
      return { rest, kind, values: (value ?? []) as readonly Reply[] };
    });
  },
});

/** The script with its values for one queue. */
export function readQueue(queue: string): BoundScript<readonly QueueKey[] | undefined> {
  return bind(readQueueScript, {
    queue,
    keys: { pending: pendingKey(queue) },
    args: {
      prefix: queuePrefix(queue),
      pattern: globPattern(queuePrefix(queue)),
      keys_max: most.keys,
      elements_max: most.elements,
      bytes_max: most.bytes,
    },
  });
}

/** The answer of a HMGET of `judgedFields`. */
export function readHash([msg, ...rest]: readonly Reply[]): TaskHash {
  const [state, group, uniqueKey, pendingSince, recovered, from, why] = rest.map((word) =>
    word === null ? undefined : decodeText(word) || undefined,
  );
  return { msg: (msg as Uint8Array | null) ?? undefined, state, group, uniqueKey, pendingSince, recovered, from, why };
}
