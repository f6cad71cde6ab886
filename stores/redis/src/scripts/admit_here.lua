-- On one server: a write of an owner's record is refused or listed in the same step.
-- Keys: record, revocation, index. Arguments: 6 member, 7 now in ms, 8 the index' lifetime, 9 what keys of records begin with.
local function admit(new)
  local revoked = call('GET', KEYS[2])
  if revoked and not before(revoked, sub(new, 49, 66)) then return -1 end
  if call('ZCARD', KEYS[3]) % 4 == 3 then tidy(KEYS[3], owner_of(new), ARGV[9]) end
  enlist(KEYS[3], ARGV[6], ARGV[7], ARGV[8])
  return 1
end
