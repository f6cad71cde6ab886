-- Keeps a record under the first key. Arguments: 3 lifetime, 0 for ever, or nothing if the record has expired already.
local function keep(new)
  if ARGV[3] == '' then
    call('DEL', KEYS[1])
  elseif ARGV[3] == '0' then
    call('SET', KEYS[1], new)
  else
    call('SET', KEYS[1], new, 'PX', ARGV[3])
  end
end
