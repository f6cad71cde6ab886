-- On one server. Key: index. Arguments: 1 now, 2 owner, 3 what keys of records begin with, 4 and 5 the place, 6 how many,
-- 7 where the part of a record ends that is read. Answers how many members it looked at, the place of the last, and then each
-- member and the beginning of its record. Forgets the members that name no record of the owner any more.
local listed = page(KEYS[1], ARGV[4], ARGV[5], tonumber(ARGV[6]))
local found = {#listed / 2, listed[#listed] or '', listed[#listed - 1] or ''}
for i = 1, #listed, 2 do
  local member = listed[i]
  local head = head_of(ARGV[3] .. member .. '}', ARGV[2], ARGV[7])
  if not head then
    call('ZREM', KEYS[1], member)
  elseif before(ARGV[1], sub(head, 2, 19)) then
    found[#found + 1] = member
    found[#found + 1] = head
  end
end
return found
