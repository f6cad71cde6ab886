-- In a cluster: a write of an owner's record is listed before, in the owner's slot, and refused here if the owner was
-- revoked in between. Keys: record, fence. Arguments: 6 whether it is listed.
local function admit(new)
  if ARGV[6] ~= '1' then return -2 end
  local revoked = call('HGET', KEYS[2], owner_of(new))
  if revoked and not before(revoked, sub(new, 49, 66)) then return -1 end
  return 1
end
