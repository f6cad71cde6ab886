-- Arguments: 1 now, 2 record, 3 lifetime, 4 version.
-- Answers 1 updated, nothing if there is no record, the record if it has another version, -1 revoked, -2 to be listed first.
local raw = call('GET', KEYS[1])
if not raw then return false end
if foreign(raw) then return refuse() end
if not before(ARGV[1], sub(raw, 2, 19)) then return false end
if sub(raw, 20, 35) ~= ARGV[4] then return raw end
local new = ARGV[2]
if sub(new, 46, 48) ~= '000' then
  local same = sub(raw, 46, 66) == sub(new, 46, 66) and owner_of(raw) == owner_of(new)
  if same and not before(sub(raw, 67, 84), sub(new, 2, 19)) then
    -- It is in the index, which lasts long enough.
    new = sub(new, 1, 66) .. sub(raw, 67, 84) .. sub(new, 85)
  else
    local answer = admit(new)
    if answer ~= 1 then return answer end
  end
end
keep(new)
return 1
