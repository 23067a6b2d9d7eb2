-- KEYS: the family, the index of the subject. ARGV: the group, id, subject, label, context, idle time, lifetime,
-- the last time there is, current, limit, the reason of an eviction, how long the index knows what has ended.

only_on_a_master('HDEL', KEYS[1])
local key, index = KEYS[1], KEYS[2]
local group, id = ARGV[1], ARGV[2]
local known = redis.call('HMGET', key, 'current', 'started_at')
if known[1] then
    if known[1] ~= ARGV[9] then return {false} end
    -- The client of a cluster repeats a call whose answer was lost. Those that it ended ended when it began.
    local earlier = sessions(group, index, redis.call('ZRANGEBYSCORE', index, known[2], known[2]))
    if not earlier then return MOVING end
    local reply = {session(key)}
    for _, values in ipairs(earlier) do
        if values and values[9] then reply[#reply + 1] = values end
    end
    return reply
end
local now = clock()

local others = unended(group, index)
if not others then return MOVING end

redis.call('ZREMRANGEBYSCORE', index, '(0', '(' .. number(now - tonumber(ARGV[12])))
local live, over = {}, {}
for _, values in ipairs(others) do
    local among = is_live(values, now) and live or over
    among[#among + 1] = values
end
table.sort(live, function(a, b)
    if a[6] ~= b[6] then return tonumber(a[6]) > tonumber(b[6]) end
    return a[1] > b[1]
end)
for position = tonumber(ARGV[10]), #live do over[#over + 1] = live[position] end

local ends = math.min(now + tonumber(ARGV[7]), tonumber(ARGV[8]))
redis.call('HSET', key, 'id', id, 'subject', ARGV[3], 'label', ARGV[4], 'context', ARGV[5],
    'started_at', number(now), 'last_used_at', number(now), 'idle_ms', ARGV[6], 'ends_at', number(ends),
    'generation', '0', 'current', ARGV[9], 'reissues', '0')
redis.call('PEXPIREAT', key, number(ends))
enlist(index, key, id, 0, ends, now)
local reply = {session(key)}
for _, values in ipairs(over) do reply[#reply + 1] = finish(group, values, ARGV[11], now) end
return reply
