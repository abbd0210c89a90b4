/**
 * How tasks are taken, and what is told of them: the parts of `dequeue`, and of the script that settles before it takes.
 * @module
 */

/** Longer than what Redis keeps in a small sorted set (64 bytes, unless it was told otherwise). */
const longMember = "-".repeat(65);

/** What all of it counts in, and how it knows a suspect. First of all in `reply` goes the head, which is known last. */
export const takenSoFar: string = /* lua */ `
local function is_suspect(recovered)
  return recovered and string.find(recovered, "^[1-9]") ~= nil
end
local reply, replied, suspect_at = {}, 0, 0
`;

/**
 * What `replayed`, the record but for its beginning, says was taken, as far as it is still held. Needs `owns`, `takenSoFar`; `lease_of` and
 * `prefix_of` each queue, and `settled_before`.
 */
export const tellTakenAgain: string = /* lua */ `
local dropped, counts, lengths, at = string.match(replayed, "^(%d+,%d+,)%d+;([^;]*);([^;]*);()")
local next_length, alike, length = string.gmatch(lengths, "(%d+)x(%d+)"), 0, nil
if lengths == "" then
  for count in string.gmatch(counts, "%d+") do alike = alike + count end
  length = (#replayed + 1 - at) / alike
end
local still = {}
for count in string.gmatch(counts, "[^,]+") do
  local i = #still + 1
  still[i] = count == "x" and "x" or 0
  for _ = 1, tonumber(count) or 0 do
    if alike == 0 then alike, length = next_length() end
    alike = alike - 1
    local id = string.sub(replayed, at, at + length - 1)
    at = at + length
    local score = attempt("ZSCORE", lease_of[i], id)
    local fields = owns(score, token) and attempt("HMGET", prefix_of[i] .. "t:" .. id, "msg", "js:recovered")
    if fields and fields[1] then
      replied = replied + 1
      reply[2 * replied], reply[2 * replied + 1] = id, fields[1]
      if is_suspect(fields[2]) then suspect_at = replied end
      still[i] = still[i] + 1
    end
  end
end
reply[1] = settled_before .. dropped .. suspect_at .. ";" .. table.concat(still, ",") .. ";"
return reply
`;

/** What tasks are taken by. Needs `takenSoFar`. */
export const beforeTaking: string = /* lua */ `
local left, looks = tonumber(limit), 100
local may_suspect = suspects == "1"
local dangling, put_off, popped = 0, 0, 0
local taken, leases, since, counts = {}, {}, {}, {}
local lengths, alike, length = {}, 0, nil
`;

/** Takes tasks of the queue that is number `item`, of whose leases `held` are held. Needs `beforeTaking`. */
export const takeTasks: string = /* lua */ `
local task_prefix, before = prefix .. "t:", replied
while left > 0 and looks > 0 do
  local ids = command("RPOP", pending, math.min(left, looks))
  if not ids then break end
  looks = looks - #ids
  popped = popped + #ids
  for nth = 1, #ids do
    local id = ids[nth]
    local task = task_prefix .. id
    local fields = attempt("HMGET", task, "msg", "js:recovered", "pending_since")
    local msg, suspect = fields[1], is_suspect(fields[2])
    if not msg then
      if not fields.err then command("DEL", task) end
      dangling = dangling + 1
    elseif suspect and not may_suspect then
      -- One after the other: they would only meet again.
      command("ZADD", scheduled, put_off_s + (put_off_turn + put_off) % 5, id)
      command("HSET", task, "state", "scheduled")
      command("HDEL", task, "pending_since")
      put_off = put_off + 1
    else
      command("HSET", task, "state", "active")
      command("HDEL", task, "pending_since")
      replied = replied + 1
      if suspect then
        may_suspect = false
        suspect_at = replied
      end
      reply[2 * replied], reply[2 * replied + 1] = id, msg
      leases[2 * replied - 1], leases[2 * replied] = lease_score, id
      taken[replied], since[replied] = id, fields[3] or ""
      if #id ~= length then
        if length then lengths[#lengths + 1] = alike .. "x" .. length end
        alike, length = 0, #id
      end
      alike = alike + 1
      left = left - 1
    end
  end
end
local count = replied - before
if count > 0 then
  command("LPUSH", active, unpack(taken, before + 1, replied))
  -- Redis keeps a small set as a list, and reads half of its scores, which are text there, to find the place of one. A member too
  -- long for such a list makes it a tree, which it stays until it is empty.
  local is_tree = (count > 8 or held <= 32 and held + count > 32) and command("ZADD", lease, "NX", 0, "${longMember}") == 1
  command("ZADD", lease, unpack(leases, 2 * before + 1, 2 * replied))
  if is_tree then command("ZREM", lease, "${longMember}") end
end
counts[item] = count
`;

/** Keeps and tells what was taken, behind what was settled, if anything was asked to be. Needs `beforeTaking`, `settled_before`. */
export const tellTaken: string = /* lua */ `
-- Ids that are all as long as each other tell by themselves how long.
if lengths[1] then lengths[#lengths + 1] = alike .. "x" .. length end
local dropped = "0,0,0;"
if popped > replied or suspect_at > 0 then dropped = dangling .. "," .. put_off .. "," .. suspect_at .. ";" end
local head = dropped .. table.concat(counts, ",") .. ";"
if popped > 0 or settled_before ~= "" then
  taken[0] = seq .. ":" .. settled_before .. head .. table.concat(lengths, ",") .. ";"
  command("SET", call, table.concat(taken, "", 0, replied), "EX", window_s)
end
reply[1] = settled_before .. head .. table.concat(since, ",")
return reply
`;
