/**
 * The name of the group a set was taken from: what stands between `g:` and the last colon of its key; nothing for what is no set's key of
 * this queue. Needs `prefix`.
 */
export const setGroup: string = /* lua */ `
local function set_group(set_key)
  local start = prefix .. "g:"
  if string.sub(set_key, 1, #start) ~= start then return nil end
  return string.match(string.sub(set_key, #start + 1), "^(.*):[^:]*$")
end
`;
