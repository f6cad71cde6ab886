-- Up to `most` members of an index after a place, each with when it was listed, in that order. A place is when a member was
-- listed, and the member; or nothing, for the beginning. If that member has gone, those listed at the same moment come again.
local function page(index, listed, member, most)
  local first = 0
  if listed ~= '' then
    local present = call('ZSCORE', index, member)
    if present and tonumber(present) == tonumber(listed) then
      first = call('ZRANK', index, member) + 1
    else
      first = call('ZCOUNT', index, '-inf', '(' .. listed)
    end
  end
  return call('ZRANGE', index, first, first + most - 1, 'WITHSCORES')
end
