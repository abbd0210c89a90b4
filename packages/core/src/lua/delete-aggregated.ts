/**
 * Deletes tasks of a set whose aggregated task is enqueued, as many as one call may; once the set is empty its name goes from the index
 * too. Answers how many, and whether some are left. Needs `containers`, `deleteTasks`, `setGroup`, `aggregated`.
 * @see Asynq internal/rdb/rdb.go, `deleteAggregationSetCmd`
 */
export const deleteAggregated: string = /* lua */ `
local function delete_aggregated(set_key)
  local deleted, left = 0, false
  if not is_wrong("zset", set_key) then
    deleted = delete_tasks(set_key, redis.call("ZRANGE", set_key, 0, 999), "aggregating", set_group(set_key))
    left = redis.call("EXISTS", set_key) == 1
  end
  if not left then redis.call("ZREM", aggregated, set_key) end
  return deleted, left
end
`;
