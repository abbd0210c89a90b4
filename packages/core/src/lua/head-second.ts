/**
 * The whole second from which on the first of a sorted set of times is due, or 0 where it is empty. The last thing a script reads of it: so
 * Redis tells a connection that asked for it when the set is another.
 */
export const headSecond: string = /* lua */ `
local function head_second(set)
  local score = tonumber(redis.call("ZRANGE", set, 0, 0, "WITHSCORES")[2])
  return score and math.max(1, math.min(math.ceil(score), 99999999999)) or 0
end
`;
