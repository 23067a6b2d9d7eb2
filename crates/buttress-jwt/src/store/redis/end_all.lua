-- KEYS: the index of the subject. ARGV: what the names of families begin with, the reason, the id that stays or
-- nothing. The families of the subject are in the same slot as its index.

local index, prefix = KEYS[1], ARGV[1]
local now = clock()
local reply = {}
for _, id in ipairs(redis.call('SMEMBERS', index)) do
    local key = prefix .. id
    local values = session(key)
    if not values or not is_live(values, now) then
        redis.call('SREM', index, id)
    elseif id ~= ARGV[3] then
        finish(key, ARGV[2], now)
        redis.call('SREM', index, id)
        reply[#reply + 1] = session(key)
    end
end
return reply
