/**
 * What a mutating script does first and last: looks whether this very call was answered before, and keeps what it answers.
 *
 * The record of a lane is `<seq>:<reply>`. The same seq is a replay and gets the stored reply; a lower or no seq lets the script run; a
 * higher one means that a later call of this lane was answered already, so this one comes late and must write nothing. A replay begins
 * the record's time anew: that is the write after which a WAIT for replicas covers what the first call wrote.
 */
export const callRecord: string = /* lua */ `
local replayed, recorded_seq = false, string.match(redis.call("GETRANGE", call, 0, 16), "^(%d+):")
if recorded_seq == seq then
  redis.call("EXPIRE", call, window_s)
  replayed = string.sub(redis.call("GET", call), #seq + 2)
elseif recorded_seq and tonumber(recorded_seq) > tonumber(seq) then
  return redis.error_reply("STALECALL too late")
end
local function remember(reply)
  redis.call("SET", call, seq .. ":" .. reply, "EX", window_s)
  return reply
end
`;
