-- KEYS: the index of the subject. ARGV: what the names of families begin with.
-- The families of the subject are in the same slot as its index.

local index, prefix = KEYS[1], ARGV[1]
local now = clock()
local reply = {}
for _, id in ipairs(redis.call('SMEMBERS', index)) do
    local values = session(prefix .. id)
    if values and is_live(values, now) then reply[#reply + 1] = values end
end
return reply
