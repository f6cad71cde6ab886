-- Where the beginning of a record ends that is enough for its owner, whatever the length of its payload.
local HEAD_END = 338

-- The beginning of the record under a key, up to `last`, if it is one of ours and the owner's, and whole.
local function head_of(key, owner, last)
  local head = redis.pcall('GETRANGE', key, 0, last)
  if type(head) ~= 'string' or not find(head, '^1%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x[s-]%d%d%d%d%d%d%d%d%d%d%d%d') then
    return nil
  end
  if sub(head, 46, 48) == '000' or owner_of(head) ~= owner or not find(head, '^%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d', 49) then
    return nil
  end
  return call('STRLEN', key) == 84 + #owner + tonumber(sub(head, 37, 45)) and head or nil
end
