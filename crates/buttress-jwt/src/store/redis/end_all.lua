-- KEYS: the index of the subject. ARGV: the group, the reason, the id that stays or nothing, how long ago those
-- ended that are named again. The answer: how many have ended by this, they, and those.

only_on_a_master('ZREM', KEYS[1])
local index, group = KEYS[1], ARGV[1]
local now = clock()
local since = number(math.max(now - tonumber(ARGV[4]), 1))
-- All is read before anything is written, so that nothing is half done.
local earlier = sessions(group, index, redis.call('ZRANGEBYSCORE', index, since, '+inf'))
local others = earlier and unended(group, index)
if not others then return MOVING end

local reply = {'0'}
for _, values in ipairs(others) do
    if values[1] ~= ARGV[3] then reply[#reply + 1] = finish(group, values, ARGV[2], now) end
end
reply[1] = number(#reply - 1)
for _, values in ipairs(earlier) do
    if values and values[9] and values[1] ~= ARGV[3] then reply[#reply + 1] = values end
end
return reply
