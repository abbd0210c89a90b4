/**
 * Deletes archived tasks that are too old or too many, with the locks they still hold, at most 1,000 of each kind a call; never one that
 * this very call archived. Answers how many. Keeps one fewer than `archive_max`, as Asynq does. Needs `archived`, `archive_cutoff_s`, `archive_max`, `prefix`.
 * @see Asynq internal/rdb/rdb.go, `archiveCmd`
 */
export const trimArchive: string = /* lua */ `
local function trim_archive(keep)
  local trimmed = 0
  local function drop(ids)
    local members = {}
    for _, id in ipairs(ids) do
      if not keep[id] then
        local task = prefix .. "t:" .. id
        local lock = redis.pcall("HGET", task, "unique_key")
        if type(lock) == "string" and lock ~= "" and redis.pcall("GET", lock) == id then redis.call("DEL", lock) end
        redis.call("DEL", task)
        members[#members + 1] = id
      end
    end
    if #members > 0 then redis.call("ZREM", archived, unpack(members)) end
    trimmed = trimmed + #members
  end
  drop(redis.call("ZRANGEBYSCORE", archived, "-inf", archive_cutoff_s, "LIMIT", 0, 1000))
  local over = redis.call("ZCARD", archived) - (tonumber(archive_max) - 1)
  if over > 0 then drop(redis.call("ZRANGE", archived, 0, math.min(over, 1000) - 1)) end
  return trimmed
end
`;
