/**
 * What a mutating script does first and last: looks whether this very call was answered before, and keeps what it answers.
 *
 * The record of a lane is `<seq>:<reply>`. The same seq is a replay and gets the stored reply; a lower or no seq lets the script run; a
 * higher one means that a later call of this lane was answered already, so this one comes late and must write nothing. A replay begins
 * the record's time anew: that is the write after which a WAIT for replicas covers what the first call wrote.
 */
export const callRecord: string = /* lua */ `
local replayed = false
local recorded = redis.call("GET", call)
if recorded then
  local colon = string.find(recorded, ":", 1, true)
  local recorded_seq = tonumber(string.sub(recorded, 1, colon - 1))
  if recorded_seq == tonumber(seq) then
    replayed = string.sub(recorded, colon + 1)
    redis.call("EXPIRE", call, window_s)
  elseif recorded_seq > tonumber(seq) then
    return redis.error_reply("STALECALL a later call of this lane was answered before")
  end
end
local function remember(reply)
  redis.call("SET", call, seq .. ":" .. reply, "EX", window_s)
  return reply
end
`;
