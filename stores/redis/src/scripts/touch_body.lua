-- Argument: the seconds that the body lives, or nothing. Never shortens. Answers whether there is a body.
if call('EXISTS', KEYS[2]) == 1 then return 0 end
local left = call('PTTL', KEYS[1])
if left == -2 then return 0 end
if left == -1 then return 1 end
if ARGV[1] == '' then
  call('PERSIST', KEYS[1])
elseif left < tonumber(ARGV[1]) * 1000 then
  call('EXPIRE', KEYS[1], ARGV[1])
end
return 1
