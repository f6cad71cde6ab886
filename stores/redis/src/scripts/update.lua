-- Arguments: 1 now, 2 record, 3 lifetime, 4 version.
-- Answers 1 updated, nothing if there is no record, the record if it has another version, -1 revoked, -2 to be listed first.
local head, length = look(KEYS[1])
if not head then return false end
if foreign(head, length) then return refuse() end
if not before(ARGV[1], sub(head, 2, 19)) then return false end
if sub(head, 20, 35) ~= ARGV[4] then return call('GET', KEYS[1]) end
local new, listed = ARGV[2], sub(head, 67, 84)
local same = sub(head, 46, 66) == sub(new, 46, 66) and owner_of(head) == owner_of(new)
-- If the record is in the index, and that lasts long enough, the new one keeps until when it lasts.
local stays = same and sub(new, 46, 48) ~= '000' and not before(listed, sub(new, 2, 19))
if sub(new, 46, 48) ~= '000' and not stays then
  local answer = admit(new)
  if answer ~= 1 then return answer end
end
keep(new)
if stays and ARGV[3] ~= '' then call('SETRANGE', KEYS[1], 66, listed) end
return 1
