-- On one server. Keys: revocation, index.
-- Arguments: 1 now, 2 owner, 3 moment, 4 lifetime of the revocation, 5 what keys of records begin with.
-- Answers how many live records it removed.
remember(KEYS[1], ARGV[3], ARGV[4])
local ended = 0
for _, member in ipairs(call('ZRANGE', KEYS[2], 0, -1)) do
  local key = ARGV[5] .. member .. '}'
  local raw = redis.pcall('GET', key)
  if type(raw) ~= 'string' or foreign(raw) or owner_of(raw) ~= ARGV[2] then
    call('ZREM', KEYS[2], member)
  elseif began(raw, ARGV[2], ARGV[3]) then
    if before(ARGV[1], sub(raw, 2, 19)) then ended = ended + 1 end
    call('DEL', key)
    call('ZREM', KEYS[2], member)
  end
end
return ended
