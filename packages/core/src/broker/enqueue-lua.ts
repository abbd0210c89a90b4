/**
 * The body of `enqueue`'s script, to be read. What ships is `generated/enqueue-text.ts`, which `enqueue-lua.test.ts` makes of it:
 * every byte of it is in every Worker that enqueues.
 * @module
 */
import { bytesPrelude } from "../lua/bytes.ts";

/** What the script is given, in order: `enqueue` sends it by place. */
export const enqueueNames = {
  keys: ["pending", "scheduled", "groups"],
  args: { prefix: "text", now_s: "text", now_ns: "text" },
  each: { id: "text", msg: "bytes", process_at_s: "text", group: "text", lock: "text", lock_ttl_s: "text" },
} as const;

/**
 * none -> pending | scheduled | aggregating, one task; its verdict goes to `verdict`. The lock is looked at before the id, as in
 * Asynq, but taken only when the task is really written, so a refused task leaves nothing behind.
 * @see Asynq internal/rdb/rdb.go, `enqueueCmd`, `enqueueUniqueCmd`, `scheduleCmd`, `scheduleUniqueCmd`, `addToGroupCmd`, `addToGroupUniqueCmd`
 */
export const enqueueOne: string = /* lua */ `
local task = prefix .. "t:" .. id
if lock ~= "" and redis.call("EXISTS", lock) == 1 then
  verdict = "d"
elseif redis.call("EXISTS", task) == 1 then
  verdict = "c"
else
  if process_at_s ~= "" then
    redis.call("HSET", task, "msg", msg, "state", "scheduled")
    redis.call("ZADD", scheduled, process_at_s, id)
  elseif group ~= "" then
    redis.call("HSET", task, "msg", msg, "state", "aggregating", "group", group)
    redis.call("ZADD", prefix .. "g:" .. group, now_s, id)
    redis.call("SADD", groups, group)
  else
    redis.call("HSET", task, "msg", msg, "state", "pending", "pending_since", now_ns)
    redis.call("LPUSH", pending, id)
  end
  if lock ~= "" then
    redis.call("HSET", task, "unique_key", lock)
    redis.call("SET", lock, id, "EX", lock_ttl_s)
  end
  verdict = "e"
end
`;

/**
 * The same for many at once, six arguments each. One text for either codec: a message as it is begins with the tag of its type, one that
 * crossed as JSON text with a digit.
 */
export const enqueueLua: string = /* lua */ `
${bytesPrelude}
-- A read that the kind of container refuses, before anything is written: its refusal is the answer.
local function refused(command, key)
  local reply = redis.pcall(command, key)
  return type(reply) == "table" and reply
end
local wrong = refused("LLEN", pending) or refused("ZCARD", scheduled) or refused("SCARD", groups)
for at = 6, #ARGV, 6 do
  local group = ARGV[at + 3]
  wrong = wrong or group ~= "" and refused("ZCARD", prefix .. "g:" .. group)
end
if wrong then return wrong end

local verdicts = {}
for at = 6, #ARGV, 6 do
  local ${Object.keys(enqueueNames.each).join(", ")} = unpack(ARGV, at, at + 5)
  if string.find(msg, "^%d") then msg = unpack_bytes(msg) end
  local verdict
  ${enqueueOne}
  verdicts[#verdicts + 1] = verdict
end
return remember(table.concat(verdicts))
`;
