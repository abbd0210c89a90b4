/**
 * Deletes tasks with the locks they still own, and their ids from a sorted set, until about 1 MiB of messages is freed; at most 1,000 ids
 * may be given. A hash that says it is elsewhere by now (its id was used again) is not deleted: only the id goes. Answers how many tasks
 * were deleted, how many ids were dropped without one, and whether it stopped before the last. Needs `prefix`.
 */
export const deleteTasks: string = /* lua */ `
local function delete_tasks(container, ids, state, group)
  local done, deleted, bytes_left = {}, 0, 1048576
  for _, id in ipairs(ids) do
    if bytes_left <= 0 then break end
    done[#done + 1] = id
    local task = prefix .. "t:" .. id
    local fields = redis.pcall("HMGET", task, "state", "unique_key", "group")
    local is_elsewhere = fields[1] ~= state or group and fields[3] and fields[3] ~= group
    if not is_elsewhere then
      bytes_left = bytes_left - redis.call("HSTRLEN", task, "msg")
      local lock = fields[2]
      if lock and redis.pcall("GET", lock) == id then redis.call("DEL", lock) end
      redis.call("DEL", task)
      deleted = deleted + 1
    end
  end
  if #done > 0 then redis.call("ZREM", container, unpack(done)) end
  return deleted, #done - deleted, #done < #ids
end
`;
