/**
 * Whether a set is still its maker's: it is registered, and nobody has begun to give its tasks back, which makes its deadline 0. A set's
 * id is random and made once, so it is token enough.
 * Needs `aggregation_sets`.
 */
export const ownsSet: string = /* lua */ `
local function owns_set(set_key)
  local deadline = redis.call("ZSCORE", aggregation_sets, set_key)
  return deadline and tonumber(deadline) > 0
end
`;
