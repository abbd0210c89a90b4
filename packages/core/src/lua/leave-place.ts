/**
 * Takes a task that no worker has out of the container its state names: `d` when it was there, else what is in the way. `m`: it is not there.
 * `~`: it may be, deep in `pending`, where no command finds an id in less than tens of milliseconds; the caller finds its place and names it.
 *
 * From the middle of a very long list, where no command takes anything out in less either, the id goes by the newest one taking its place: of
 * a million tasks that wait, one comes earlier than it would have. Needs `containers`, `isHome`, `prefix`, `pending`, `groups`.
 */
export const leavePlace: string = /* lua */ `
local short_list, places_left, taken_out = 10000, 20000, 0
local function leave_pending(id, at)
  local size = redis.call("LLEN", pending)
  if size <= short_list then
    if places_left <= 0 then return "~" end
    places_left = places_left - size
    return redis.call("LREM", pending, 1, id) > 0 and "d" or "m"
  end
  if not at then
    for _, side in ipairs({ 1, -1 }) do
      if places_left <= 0 then return "~" end
      places_left = places_left - short_list
      if redis.call("LPOS", pending, id, "RANK", side, "MAXLEN", short_list) then
        redis.call("LREM", pending, side, id)
        return "d"
      end
    end
    return size <= 2 * short_list and "m" or "~"
  end
  if places_left <= 0 then return "~" end
  -- To reach a place in a list of a million takes about as long as to walk so many.
  places_left = places_left - 1500
  local first = math.max(0, at - taken_out - 50)
  local near = redis.call("LRANGE", pending, first, at + 100)
  for i = 1, #near do
    if near[i] == id then
      local place = first + i - 1
      local side = place < size - place and 1 or -1
      local walk = side == 1 and place or size - place
      if walk > short_list then
        redis.call("LSET", pending, place - 1, redis.call("LPOP", pending))
      else
        places_left = places_left - walk
        redis.call("LREM", pending, side, id)
      end
      taken_out = taken_out + 1
      return "d"
    end
  end
  return "~"
end
local function leave_place(id, state, group, at, is_last)
  if state == "pending" then
    if is_last then return redis.call("LREM", pending, -1, id) > 0 and "d" or "m" end
    return leave_pending(id, at)
  end
  if state ~= "aggregating" then return redis.call("ZREM", prefix .. state, id) == 1 and "d" or "m" end
  if not group or group == "" then return "m" end
  local key = prefix .. "g:" .. group
  if is_wrong("zset", key) or redis.call("ZREM", key, id) == 0 then return in_a_set(group, id) and "G" or "m" end
  if redis.call("EXISTS", key) == 0 then redis.call("SREM", groups, group) end
  return "d"
end
`;
