-- In an owner's slot: forgets members of an index that were listed by a moment. Key: index.
-- Arguments: 1 the moment in ms, then members. Answers how many it forgot.
local call = redis.call
local forgot = 0
for i = 2, #ARGV do
  local listed = call('ZSCORE', KEYS[1], ARGV[i])
  if listed and tonumber(listed) <= tonumber(ARGV[1]) then
    forgot = forgot + call('ZREM', KEYS[1], ARGV[i])
  end
end
return forgot
