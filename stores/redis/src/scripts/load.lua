-- For a touch that is due by what a `GET` has answered; it may have been made in between, or something else.
-- Key: record. Arguments: 1 now, 2 due before, 3 expiry, 4 lifetime, 5 until when the owner's index lasts and 6 whose,
-- 7 the version that the caller has read.
-- Answers with the expiry alone if the record has that version still, or else with the record; nothing without one; or
-- the record in a list if it could not be touched yet.
local head, length = look(KEYS[1])
if not head then return false end
if foreign(head, length) then return refuse() end
local expires = sub(head, 2, 19)
if not before(ARGV[1], expires) then return false end
if sub(head, 36, 36) == 's' and before(expires, ARGV[2]) and before(expires, ARGV[3]) then
  if not move(head, ARGV[3], ARGV[4], ARGV[5], ARGV[6]) then return {call('GET', KEYS[1])} end
  expires = ARGV[3]
end
return sub(head, 20, 35) == ARGV[7] and expires or call('GET', KEYS[1])
