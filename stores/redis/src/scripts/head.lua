-- The beginning of the record under a key, up to `last`, if it is one of ours and the owner's, and whole.
local function head_of(key, owner, last)
  local head = redis.pcall('GETRANGE', key, 0, last)
  if type(head) ~= 'string' or head == '' or foreign(head, call('STRLEN', key)) then return nil end
  return sub(head, 46, 48) ~= '000' and owner_of(head) == owner and head or nil
end
