/**
 * How much a container holds, asked by the command of its kind: nothing where it is of another, which costs a little less than to ask for
 * the kind. What Redis refuses for another reason it refuses the whole call, before anything is written.
 */
export const sizeOf: string = /* lua */ `
local function size_of(ask, key)
  local size = redis.pcall(ask, key)
  if tonumber(size) then return size end
  if not string.find(size.err, "WRONGTYPE", 1, true) then redis.call(ask, key) end
end
`;
