-- A touch may be due.
if foreign(raw) then return refuse() end
local expires = sub(raw, 2, 19)
if not before(ARGV[1], expires) then return false end
if sub(raw, 36, 36) == 's' and before(expires, ARGV[2]) and before(expires, ARGV[3]) then
  if not move(raw, ARGV[3], ARGV[4], ARGV[5], ARGV[6]) then return {raw} end
  raw = '1' .. ARGV[3] .. sub(raw, 20)
end
return raw
