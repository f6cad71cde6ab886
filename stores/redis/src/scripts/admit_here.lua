-- On one server: a write of an owner's record is refused or listed in the same step.
-- Keys: record, revocation, index. Arguments: 5 member, 6 now in ms, 7 the index' lifetime, 8 what keys of records begin with.
local function admit(new)
  local revoked = call('GET', KEYS[2])
  if revoked and not before(revoked, sub(new, 49, 66)) then return -1 end
  if call('ZCARD', KEYS[3]) % 32 == 31 then tidy(KEYS[3], owner_of(new), ARGV[8]) end
  enlist(KEYS[3], ARGV[5], ARGV[6], ARGV[7])
  return 1
end
