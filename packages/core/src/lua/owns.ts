/**
 * Whether a lease score belongs to who asks. Scores are compared as numbers only: as text Lua would keep 14 digits and cut the token.
 * Needs `cutoff_s` where a fence may be a whole score.
 */
export const owns: string = /* lua */ `
local function owns(score, fence)
  score = tonumber(score)
  if not score then return false end
  local token = tonumber(fence)
  if token then return score % 1 == token / 1048576 end
  return score == tonumber(string.sub(fence, 2)) and score <= tonumber(cutoff_s)
end
`;
