-- Arguments: 1 what stands for the body that was read, or nothing for any, 2 the seconds that the mark stays.
-- Answers nothing if there is no body or its session had ended; another body and the milliseconds that it lives; or 1, the
-- body that was removed and the milliseconds that it would have lived.
local body = call('GET', KEYS[1])
if call('EXISTS', KEYS[2]) == 1 then
  if body then
    call('DEL', KEYS[1])
    call('EXPIRE', KEYS[2], ARGV[2])
  end
  return false
end
if not body then return false end
local left = call('PTTL', KEYS[1])
if not same(body, ARGV[1]) then return {body, left} end
call('DEL', KEYS[1])
call('SET', KEYS[2], '1', 'EX', ARGV[2])
return {1, body, left}
