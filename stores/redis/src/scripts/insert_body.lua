-- Arguments: 1 the body, 2 the seconds that it lives, or nothing. Answers whether it is there now: it is not where there is
-- another one, or the session has ended.
if call('EXISTS', KEYS[2]) == 1 then return 0 end
if ARGV[2] == '' then
  return call('SETNX', KEYS[1], ARGV[1])
end
if call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'NX') then return 1 end
return 0
