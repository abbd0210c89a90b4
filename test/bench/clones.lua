-- Puts copies of a task's hash into a state of its queue, behind what is there: what a growing queue holds that nobody looks at.
local model, prefix, container, state, score = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local from, count = tonumber(ARGV[5]), tonumber(ARGV[6])
local msg = redis.call("HGET", model, "msg")
for number = from, from + count - 1 do
  local id = string.format("00000000-0000-4000-8000-%012d", number)
  redis.call("HSET", prefix .. "t:" .. id, "msg", msg, "state", state)
  if state == "pending" then
    redis.call("HSET", prefix .. "t:" .. id, "pending_since", "2000000000000000000")
    redis.call("LPUSH", prefix .. container, id)
  else
    redis.call("ZADD", prefix .. container, score, id)
  end
end
