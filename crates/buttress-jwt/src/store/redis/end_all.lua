-- KEYS: the index of the subject. ARGV: the group, the reason, the id that stays or nothing, how long ago those
-- ended that are named again. The answer: how many have ended by this, they, and those.

local index, group = KEYS[1], ARGV[1]
local now = clock()
local earlier = redis.call('ZRANGEBYSCORE', index, number(math.max(now - tonumber(ARGV[4]), 1)), '+inf')
local reply = {'0'}
for _, values in ipairs(unended(group, index)) do
    if values[1] ~= ARGV[3] then reply[#reply + 1] = finish(group, values, ARGV[2], now) end
end
reply[1] = number(#reply - 1)
for _, id in ipairs(earlier) do
    local values = session(group .. id)
    if values and values[9] and id ~= ARGV[3] then reply[#reply + 1] = values end
end
return reply
