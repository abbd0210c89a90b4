/**
 * Whether an id stands where its task's state says: true, false, or nothing where the look would hold Redis for too long. In lists longer
 * than a thousand a call looks at 200,000 places, but for its first look; and, given `since`, for a task only that has been pending for
 * longer than the next in turn, as those of a list that was lost have. Needs `containers`, `prefix`.
 */
export const isHome: string = /* lua */ `
local list_looks_left, has_looked = 200000, false
local function in_list(state, id, since)
  local list = prefix .. state
  if is_wrong("list", list) then return false end
  local size = redis.call("LLEN", list)
  if size > 1000 then
    if since then
      local next_since = tonumber(redis.pcall("HGET", prefix .. "t:" .. redis.call("LINDEX", list, -1), "pending_since"))
      if not next_since or since >= next_since then return nil end
    end
    if has_looked and size > list_looks_left then return nil end
    list_looks_left, has_looked = list_looks_left - size, true
  end
  return redis.call("LPOS", list, id) ~= false
end
local function in_zset(key, member)
  return not is_wrong("zset", key) and redis.call("ZSCORE", key, member) ~= false
end
local function in_a_set(group, id)
  for _, index in ipairs({ prefix .. "aggregation_sets", prefix .. "js:aggregated" }) do
    for _, set in ipairs(not is_wrong("zset", index) and redis.call("ZRANGE", index, 0, -1) or {}) do
      if string.sub(set, 1, #prefix + 3 + #group) == prefix .. "g:" .. group .. ":" and in_zset(set, id) then return true end
    end
  end
  return false
end
local function is_home(id, state, group, since)
  if not state then return false end
  if state == "active" then return in_zset(prefix .. "lease", id) or in_list("active", id) end
  if state == "pending" then return in_list("pending", id, since) end
  if state ~= "aggregating" then return in_zset(prefix .. state, id) end
  return group and (in_zset(prefix .. "g:" .. group, id) or in_a_set(group, id))
end
`;
