-- Key: record. Argument: 1 now. Answers with the record, or nothing.
local raw = call('GET', KEYS[1])
if not raw then return false end
if foreign(raw, #raw) then return refuse() end
call('DEL', KEYS[1])
return before(ARGV[1], sub(raw, 2, 19)) and raw
