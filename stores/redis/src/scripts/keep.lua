-- Keeps a record under the first key, unless it has expired. Arguments: now, record, lifetime.
local function keep(new)
  if not before(ARGV[1], sub(new, 2, 19)) then
    call('DEL', KEYS[1])
  elseif ARGV[3] == '0' then
    call('SET', KEYS[1], new)
  else
    call('SET', KEYS[1], new, 'PX', ARGV[3])
  end
end
