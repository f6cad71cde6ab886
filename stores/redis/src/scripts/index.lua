-- Forgets the members of an index that name no record of the owner any more.
local function tidy(index, owner, records)
  for _, member in ipairs(call('ZRANGE', index, 0, -1)) do
    local raw = redis.pcall('GET', records .. member .. '}')
    if type(raw) ~= 'string' or foreign(raw) or owner_of(raw) ~= owner then
      call('ZREM', index, member)
    end
  end
end

-- Puts a member into an index that lasts `lifetime` from now at least, and says how many there are.
local function enlist(index, member, now, lifetime)
  local left = call('PTTL', index)
  call('ZADD', index, now, member)
  if lifetime == '0' then
    call('PERSIST', index)
  elseif left ~= -1 and left < tonumber(lifetime) then
    call('PEXPIRE', index, lifetime)
  end
  return call('ZCARD', index)
end
