-- The least a queue on Asynq's layout can do for a batch: finish some tasks, take others. No fence, no call record, no check.
local pending, active, lease, processed_today, processed_total = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local prefix, limit, lease_until_s = ARGV[1], ARGV[2], ARGV[3]
local done = #ARGV - 3
if done > 0 then
  local ids, tasks = {}, {}
  for i = 1, done do
    ids[i] = ARGV[3 + i]
    tasks[i] = prefix .. ids[i]
    redis.call("LREM", active, -1, ids[i])
  end
  redis.call("ZREM", lease, unpack(ids))
  redis.call("DEL", unpack(tasks))
  redis.call("INCRBY", processed_today, done)
  redis.call("INCRBY", processed_total, done)
end
local ids = redis.call("RPOP", pending, limit)
if not ids then return {} end
redis.call("LPUSH", active, unpack(ids))
local reply, leases = {}, {}
for i, id in ipairs(ids) do
  leases[2 * i - 1] = lease_until_s
  leases[2 * i] = id
  reply[2 * i - 1] = id
  reply[2 * i] = redis.call("HGET", prefix .. id, "msg")
  redis.call("HSET", prefix .. id, "state", "active")
end
redis.call("ZADD", lease, unpack(leases))
return reply
