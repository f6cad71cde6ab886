-- What an update to a record without an owner begins with, and mostly ends with: the version expected is there, and lives.
-- A version is random, so it says whose bytes these are, and what was there is replaced whole. The functions that come
-- next would take the server twice as long. A number of Lua's rounds, so that of two moments that differ the earlier
-- one may look equal, and never later: then the rest of the script decides.
-- Key: record. Arguments: 1 now, 2 record, 3 lifetime, 4 version.
local head = redis.call('GETRANGE', KEYS[1], '0', '34')
if string.sub(head, 20) == ARGV[4] and string.byte(head) == 49 and ARGV[3] ~= '' and ARGV[3] ~= '0'
  and tonumber(ARGV[1]) < (tonumber(string.sub(head, 2, 19)) or 0) then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
