/**
 * Looks at a container before the first write: Redis does not undo a script, so a script that could meet the wrong kind of key refuses at
 * once, with nothing moved. A key that is not there is of any kind.
 */
export const containers: string = /* lua */ `
local function is_wrong(kind, key)
  local is = redis.call("TYPE", key).ok
  return is ~= kind and is ~= "none"
end
local function wrong_container()
  return redis.error_reply("WRONGTYPE a container of the queue holds the wrong kind of value; nothing was moved")
end
`;
