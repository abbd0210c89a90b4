/**
 * What the scripts of the inspector's verbs have in common: which tasks, and what is in the way. Each defines `takes`, a table of the states that
 * it takes tasks from, and `bring(id, task, state)`, which brings one where it belongs once it left its place. Needs `containers`, `isHome`,
 * `leavePlace` and the names of `verbNames`.
 *
 * Either the tasks are named, each by its id and, where known, its place in `pending`; with `from` only those that are still in that state. Or
 * they are the first `limit` of `source`, where those of the state `from` stand: all of them leave it. An id without a task is dropped, and
 * likewise one whose task is elsewhere; where it is in no other place either, it is in the state of the container it was met in.
 */
export const actOnTasks: string = /* lua */ `
local letters = {
  active = "A", pending = "P", scheduled = "S", retry = "R", archived = "X", completed = "C", aggregating = "G", ["js:quarantine"] = "Q"
}
local function act(id, at, is_last)
  local task = prefix .. "t:" .. id
  local fields = redis.pcall("HMGET", task, "state", "group")
  if fields.err or redis.call("HEXISTS", task, "msg") == 0 then return "n" end
  local state, in_group = fields[1], is_last and group ~= "" and group or fields[2]
  if from ~= "" and (state ~= from or group ~= "" and in_group ~= group) then return "c", state, in_group end
  if not takes[state] then return letters[state] or "m" end
  local verdict = leave_place(id, state, in_group, at, is_last)
  if verdict == "d" then bring(id, task, state) end
  return verdict, state, in_group
end
local function act_on_first()
  local verdicts, ids = {}, {}
  if kind == "list" then
    local found = redis.call("LRANGE", source, -limit, -1)
    for i = #found, 1, -1 do ids[#ids + 1] = found[i] end
  else
    ids = redis.call("ZRANGE", source, 0, limit - 1)
  end
  for _, id in ipairs(ids) do
    if is_full() then break end
    local verdict, state, in_group = act(id, nil, true)
    if verdict == "c" and is_home(id, state, in_group) == false then
      redis.call("HSET", prefix .. "t:" .. id, "state", from)
      verdict = act(id, nil, true)
    end
    if verdict ~= "d" then
      if kind == "list" then redis.call("LREM", source, -1, id) else redis.call("ZREM", source, id) end
      verdict = "x"
    end
    verdicts[#verdicts + 1] = verdict
  end
  return verdicts
end
local function act_on_named()
  local verdicts = {}
  for_each_item(id, at) do verdicts[item] = act(id, tonumber(at)) end
  return verdicts
end
local function is_any_wrong()
  for _, zset in ipairs({ scheduled, retry, archived, completed }) do
    if is_wrong("zset", zset) then return true end
  end
  return is_wrong(kind, source) or is_wrong("list", pending) or is_wrong("set", groups)
end
`;
