-- Remembers that an owner was revoked, the latest moment of all, for `lifetime` at least.
local function remember(revocation, at, lifetime)
  local before_now, left = call('GET', revocation), call('PTTL', revocation)
  if before_now and before(at, before_now) then at = before_now end
  call('SET', revocation, at, 'PX', math.max(left, tonumber(lifetime)))
end
