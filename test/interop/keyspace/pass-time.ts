import type { Redis } from "ioredis";

/**
 * Lets time pass for a database in place of Go's clock, which nobody can set: all that is kept with a time is that much older. The counters
 * of a day are not: the day stays.
 */
const lua = /* lua */ `
local seconds = tonumber(ARGV[1])
for _, key in ipairs(redis.call("KEYS", "asynq:*")) do
  local kind = redis.call("TYPE", key).ok
  if kind == "zset" then
    local flat = redis.call("ZRANGE", key, 0, -1, "WITHSCORES")
    for i = 1, #flat, 2 do redis.call("ZINCRBY", key, -seconds, flat[i]) end
  elseif kind == "hash" then
    local since = redis.call("HGET", key, "pending_since")
    -- Nanoseconds have more digits than a number of Lua.
    if since then redis.call("HSET", key, "pending_since", string.format("%d", string.sub(since, 1, -10) - seconds) .. string.sub(since, -9)) end
  elseif kind == "string" and string.find(key, "}:unique:", 1, true) then
    local left = redis.call("PTTL", key) - seconds * 1000
    if left > 0 then redis.call("PEXPIRE", key, left) else redis.call("DEL", key) end
  elseif kind == "string" and string.find(key, "}:paused$") then
    redis.call("SET", key, string.format("%d", redis.call("GET", key) - seconds))
  end
end
`;

export async function passTime(redis: Redis, sec: number): Promise<void> {
  await redis.eval(lua, 0, sec);
}
