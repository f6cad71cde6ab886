-- What every script for bodies of Node's sessions begins with. Keys: the body, and the mark of its session's end.
local call, sub = redis.call, string.sub

-- Whether the body is the one that was read.
local function same(body, expected)
  return expected == '' or sub(redis.sha1hex(body), 1, 16) == expected
end
