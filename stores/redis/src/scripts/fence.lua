-- In a record's slot: the second step of a revocation in a cluster, for each member. Keys: record, fence.
-- Arguments: 1 now, 2 owner, 3 moment, 4 the fence's lifetime. Ends the record if it is the owner's, and has a write that
-- was listed before the revocation, and comes after this, refused. Answers how many live records it removed.
local had, left = call('HGET', KEYS[2], ARGV[2]), call('PTTL', KEYS[2])
if not had or before(had, ARGV[3]) then call('HSET', KEYS[2], ARGV[2], ARGV[3]) end
if left < tonumber(ARGV[4]) then call('PEXPIRE', KEYS[2], ARGV[4]) end
local head = head_of(KEYS[1], ARGV[2], HEAD_END)
if not head or not began(head, ARGV[2], ARGV[3]) then return 0 end
call('DEL', KEYS[1])
return before(ARGV[1], sub(head, 2, 19)) and 1 or 0
