-- What every script begins with. docs/wire.md says which bytes of a record are what.
local call, sub, find = redis.call, string.sub, string.find

-- Whether the moment `a` is before the moment `b`, 18 digits each; in halves, as a number of Lua's is exact to 15 only.
local function before(a, b)
  local x, y = tonumber(sub(a, 1, 9)), tonumber(sub(b, 1, 9))
  if x == y then return tonumber(sub(a, 10, 18)) < tonumber(sub(b, 10, 18)) end
  return x < y
end

-- Returns whether these bytes are not a whole record of ours.
local function foreign(raw)
  if not find(raw, '^1%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x[s-]%d%d%d%d%d%d%d%d%d%d%d%d') then
    return true
  end
  local owner, payload = tonumber(sub(raw, 46, 48)), tonumber(sub(raw, 37, 45))
  if owner == 0 then return #raw ~= 48 + payload end
  return #raw ~= 84 + owner + payload or not find(raw, '^%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d', 49)
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
