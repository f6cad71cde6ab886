-- What every script begins with. docs/wire.md says which bytes of a record are what.
local call, sub, find = redis.call, string.sub, string.find

-- Whether the moment `a` is before the moment `b`, 18 digits each; in halves, as a number of Lua's is exact to 15 only.
local function before(a, b)
  local x, y = tonumber(sub(a, 1, 9)), tonumber(sub(b, 1, 9))
  if x == y then return tonumber(sub(a, 10, 18)) < tonumber(sub(b, 10, 18)) end
  return x < y
end

-- Where the beginning of a record ends that is enough for its owner, whatever the length of its payload.
local HEAD_END = 338

-- The beginning of what is under a key and the length of the whole, or nothing where nothing is. A payload is not read:
-- copies of hundreds of kilobytes would keep all others waiting.
local function look(key)
  local head, length = call('GETRANGE', key, 0, HEAD_END), call('STRLEN', key)
  if length == 0 and call('EXISTS', key) == 0 then return nil end
  return head, length
end

-- Returns whether what begins like this, and is so long, is not a whole record of ours.
local function foreign(head, length)
  if not find(head, '^1%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x[s-]%d%d%d%d%d%d%d%d%d%d%d%d') then
    return true
  end
  local owner, payload = tonumber(sub(head, 46, 48)), tonumber(sub(head, 37, 45))
  if owner == 0 then return length ~= 48 + payload end
  return length ~= 84 + owner + payload or not find(head, '^%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d', 49)
end

local function refuse()
  return redis.error_reply('CLOAKROOM the record is damaged or foreign')
end

local function owner_of(raw)
  return sub(raw, 85, 84 + tonumber(sub(raw, 46, 48)))
end

-- Whether a record, ours, is of `owner` and began at `at` or before.
local function began(raw, owner, at)
  return sub(raw, 46, 48) ~= '000' and owner_of(raw) == owner and not before(at, sub(raw, 49, 66))
end
