-- On one server. Key: index. Arguments: 1 the owner's length in three digits, 2 owner, 3 what keys of records begin with, 4 and 5
-- the place, 6 how many, 7 where the part of a record ends that is read. Answers how many members it looked at, the place of
-- the last, and then each member and the beginning of its record, which may have expired. Forgets the members that name no
-- record of the owner any more. What else can be wrong with a record is for the caller to see, whose time is its own.
local listed = page(KEYS[1], ARGV[4], ARGV[5], tonumber(ARGV[6]))
local length, owner, records, last = ARGV[1], ARGV[2], ARGV[3], ARGV[7]
local ends, read = 84 + #owner, redis.pcall
local found = {#listed / 2, listed[#listed] or '', listed[#listed - 1] or ''}
for i = 1, #listed, 2 do
  local member = listed[i]
  local head = read('GETRANGE', records .. member .. '}', '0', last)
  if type(head) == 'string' and sub(head, 85, ends) == owner and sub(head, 46, 48) == length then
    found[#found + 1] = member
    found[#found + 1] = head
  else
    call('ZREM', KEYS[1], member)
  end
end
return found
