-- The same for a record with an owner, if the one that is there has the same owner and log-in, and is in an index that
-- lasts long enough: until when it lasts is what the new record keeps of the old one.
-- Key: record. Arguments: 1 now, 2 record, 3 lifetime, 4 version, 5 how many bytes end with the owner.
local sub, new = string.sub, ARGV[2]
local head = redis.call('GETRANGE', KEYS[1], '0', ARGV[5])
local listed = sub(head, 67, 84)
if sub(head, 20, 35) == ARGV[4] and string.byte(head) == 49 and ARGV[3] ~= '' and ARGV[3] ~= '0'
  and sub(head, 46, 66) == sub(new, 46, 66) and sub(head, 85, ARGV[5]) == sub(new, 85, ARGV[5])
  and tonumber(ARGV[1]) < (tonumber(sub(head, 2, 19)) or 0) and tonumber(sub(new, 2, 19)) < (tonumber(listed) or 0) then
  redis.call('SET', KEYS[1], new, 'PX', ARGV[3])
  redis.call('SETRANGE', KEYS[1], '66', listed)
  return 1
end
