-- On one server. Key: index. Arguments: 1 now, 2 owner, 3 what keys of records begin with.
-- Answers with each member and its record, and forgets the members that name no record of the owner any more.
local found = {}
for _, member in ipairs(call('ZRANGE', KEYS[1], 0, -1)) do
  local raw = redis.pcall('GET', ARGV[3] .. member .. '}')
  if type(raw) ~= 'string' or foreign(raw) or owner_of(raw) ~= ARGV[2] then
    call('ZREM', KEYS[1], member)
  elseif before(ARGV[1], sub(raw, 2, 19)) then
    found[#found + 1] = member
    found[#found + 1] = raw
  end
end
return found
