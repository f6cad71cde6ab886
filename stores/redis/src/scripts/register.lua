-- In an owner's slot, before a record is written in its own. Keys: revocation, index.
-- Arguments: 1 since, 2 member, 3 now in ms, 4 the index' lifetime. Answers how many members there are, or -1 revoked.
local revoked = call('GET', KEYS[1])
if revoked and not before(revoked, ARGV[1]) then return -1 end
return enlist(KEYS[2], ARGV[2], ARGV[3], ARGV[4])
