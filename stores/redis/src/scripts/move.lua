-- Moves the expiry of the record under the first key, or answers that its owner's index has to last longer first.
local function move(head, expires, lifetime, index_until, owner)
  if sub(head, 46, 48) ~= '000' and before(sub(head, 67, 84), expires) then
    if index_until == '' or owner_of(head) ~= owner then return false end
    call('SETRANGE', KEYS[1], 66, index_until)
  end
  call('SETRANGE', KEYS[1], 1, expires)
  if lifetime == '0' then
    call('PERSIST', KEYS[1])
  else
    call('PEXPIRE', KEYS[1], lifetime)
  end
  return true
end
