-- On one server. Keys: revocation, index.
-- Arguments: 1 now, 2 owner, 3 moment, 4 lifetime of the revocation, 5 what keys of records begin with, 6 and 7 the place,
-- 8 how many. Answers how many live records it removed, how many members it looked at, and the place of the last.
remember(KEYS[1], ARGV[3], ARGV[4])
local ended = 0
local listed = page(KEYS[2], ARGV[6], ARGV[7], tonumber(ARGV[8]))
for i = 1, #listed, 2 do
  local member = listed[i]
  local key = ARGV[5] .. member .. '}'
  local head = head_of(key, ARGV[2], HEAD_END)
  if not head then
    call('ZREM', KEYS[2], member)
  elseif began(head, ARGV[2], ARGV[3]) then
    if before(ARGV[1], sub(head, 2, 19)) then ended = ended + 1 end
    call('DEL', key)
    call('ZREM', KEYS[2], member)
  end
end
return {ended, #listed / 2, listed[#listed] or '', listed[#listed - 1] or ''}
