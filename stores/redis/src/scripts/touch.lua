-- Key: record. Arguments: 1 now, 2 expiry, 3 lifetime, 4 until when the owner's index lasts and 5 whose.
-- Answers 1, or 0 if there is no record, or the record in a list if it could not be touched yet.
local raw = call('GET', KEYS[1])
if not raw then return 0 end
if foreign(raw) then return refuse() end
local expires = sub(raw, 2, 19)
if not before(ARGV[1], expires) then return 0 end
if before(expires, ARGV[2]) and not move(raw, ARGV[2], ARGV[3], ARGV[4], ARGV[5]) then return {raw} end
return 1
