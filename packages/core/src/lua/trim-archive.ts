/**
 * Deletes archived tasks that are too old or too many, with the locks they still own, at most `limit` of each kind a call; never one that
 * this very call archived. Answers how many, and whether more may be left. Keeps one fewer than `archive_max`, as Asynq does. Needs
 * `deleteTasks`, `archived`, `archive_cutoff_s`, `archive_max`.
 * @see Asynq internal/rdb/rdb.go, `archiveCmd`
 */
export const trimArchive: string = /* lua */ `
local function trim_archive(keep, limit)
  local trimmed, more = 0, false
  local function drop(ids)
    local old = {}
    for _, id in ipairs(ids) do
      if not keep[id] then old[#old + 1] = id end
    end
    local deleted, dropped, cut = delete_tasks(archived, old, "archived")
    trimmed = trimmed + deleted + dropped
    more = more or cut or #old == limit
  end
  drop(redis.call("ZRANGEBYSCORE", archived, "-inf", archive_cutoff_s, "LIMIT", 0, limit))
  local over = redis.call("ZCARD", archived) - (tonumber(archive_max) - 1)
  if over > 0 then drop(redis.call("ZRANGE", archived, 0, math.min(over, limit) - 1)) end
  return trimmed, more
end
`;
