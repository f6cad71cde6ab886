-- Key: record. Arguments: 1 now, 2 expiry, 3 lifetime, 4 until when the owner's index lasts and 5 whose.
-- Answers 1, or 0 if there is no record, or the record in a list if it could not be touched yet.
local head, length = look(KEYS[1])
if not head then return 0 end
if foreign(head, length) then return refuse() end
local expires = sub(head, 2, 19)
if not before(ARGV[1], expires) then return 0 end
if before(expires, ARGV[2]) and not move(head, ARGV[2], ARGV[3], ARGV[4], ARGV[5]) then
  return {call('GET', KEYS[1])}
end
return 1
