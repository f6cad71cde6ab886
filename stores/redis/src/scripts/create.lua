-- Arguments: 1 now, 2 record, 3 lifetime. Answers 1 created, 0 taken, -1 revoked, -2 to be listed first.
local head, length = look(KEYS[1])
if head then
  if foreign(head, length) then return refuse() end
  if before(ARGV[1], sub(head, 2, 19)) then return 0 end
end
local new = ARGV[2]
if sub(new, 46, 48) ~= '000' then
  local answer = admit(new)
  if answer ~= 1 then return answer end
end
keep(new)
return 1
