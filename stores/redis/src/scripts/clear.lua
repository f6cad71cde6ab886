-- Key: record. Argument: 1 now. Removes it, whatever it is, and answers whether it was a live one.
local raw = redis.pcall('GET', KEYS[1])
call('DEL', KEYS[1])
if type(raw) ~= 'string' or foreign(raw, #raw) then return 0 end
return before(ARGV[1], sub(raw, 2, 19)) and 1 or 0
