-- Forgets members of an index that name no record of the owner any more: of 8 by lot, so that it takes no longer where there
-- are many. As it is done for each 4 that come, half of the members at most are such.
local function tidy(index, owner, records)
  for _, member in ipairs(call('ZRANDMEMBER', index, 8)) do
    if not head_of(records .. member .. '}', owner, HEAD_END) then
      call('ZREM', index, member)
    end
  end
end

-- Puts a member into an index that lasts `lifetime` from now at least, and says how many there are. One that is there keeps
-- its place for half an hour, so that going through the members meets it once.
local function enlist(index, member, now, lifetime)
  local left = call('PTTL', index)
  local listed = call('ZSCORE', index, member)
  if not listed or tonumber(listed) + 1800000 < tonumber(now) then
    call('ZADD', index, now, member)
  end
  if lifetime == '0' then
    call('PERSIST', index)
  elseif left ~= -1 and left < tonumber(lifetime) then
    call('PEXPIRE', index, lifetime)
  end
  return call('ZCARD', index)
end
