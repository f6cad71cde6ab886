-- For a touch that is due by what a `GET` has answered; it may have been made in between, or something else.
-- Key: record. Arguments: 1 now, 2 due before, 3 expiry, 4 lifetime, 5 until when the owner's index lasts and 6 whose.
-- Answers with the record, nothing, or the record in a list if it could not be touched yet.
local raw = call('GET', KEYS[1])
if not raw then return false end
if foreign(raw) then return refuse() end
local expires = sub(raw, 2, 19)
if not before(ARGV[1], expires) then return false end
if sub(raw, 36, 36) == 's' and before(expires, ARGV[2]) and before(expires, ARGV[3]) then
  if not move(raw, ARGV[3], ARGV[4], ARGV[5], ARGV[6]) then return {raw} end
  raw = '1' .. ARGV[3] .. sub(raw, 20)
end
return raw
