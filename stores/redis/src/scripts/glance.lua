-- What a load begins with, and mostly ends with: the record is there, and no touch is due. Whoever asked looks whether it
-- is whole and lives. The functions and checks that come next would take the server half as long again.
-- Key: record. Arguments: 1 now, 2 due before, 3 expiry, 4 lifetime, 5 until when the owner's index lasts and 6 whose.
-- Answers with the record, nothing, or the record in a list if it could not be touched yet.
local raw = redis.call('GET', KEYS[1])
if not raw then return false end
local glimpse = tonumber(string.sub(raw, 2, 19))
if glimpse and (string.sub(raw, 36, 36) == '-' or glimpse > tonumber(ARGV[2])) then return raw end
