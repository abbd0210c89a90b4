/**
 * Counts `by` tasks for the day and in total. A total that would pass int64 starts again, as in Asynq; a counter that is no number stays
 * as it is: it is not worth a task. Needs `stats_expire_s`.
 * @see Asynq internal/rdb/rdb.go, in each of its settling scripts
 */
export const countTasks: string = /* lua */ `
local function count_tasks(day, total, by)
  if by == 0 then return end
  if redis.pcall("INCRBY", day, by) == by then redis.call("EXPIREAT", day, stats_expire_s) end
  if tonumber(redis.pcall("INCRBY", total, by)) then return end
  local before = tonumber(redis.pcall("GET", total))
  if before and before >= 9223372036854775807 then redis.call("SET", total, by) end
end
`;
