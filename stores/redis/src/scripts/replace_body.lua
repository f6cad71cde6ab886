-- Arguments: 1 what stands for the body that was read, 2 the new one, 3 the seconds that it lives, or nothing.
-- Answers 1, nothing if there is no body, or another body and the milliseconds that it lives.
if call('EXISTS', KEYS[2]) == 1 then return false end
local body = call('GET', KEYS[1])
if not body then return false end
if not same(body, ARGV[1]) then return {body, call('PTTL', KEYS[1])} end
if ARGV[3] == '' then
  call('SET', KEYS[1], ARGV[2])
elseif ARGV[3] == '0' then
  call('DEL', KEYS[1])
else
  call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1
