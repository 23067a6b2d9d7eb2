-- KEYS: the family, the index of the subject. ARGV: what the names of families begin with, id, subject, label,
-- context, idle time, lifetime, the last time there is, current, limit, the reason of an eviction.
-- The other families of the subject are in the same slot as its index.

local key, index = KEYS[1], KEYS[2]
local prefix, id = ARGV[1], ARGV[2]
if redis.call('EXISTS', key) == 1 then return {false} end
local now = clock()

local live = {}
for _, other in ipairs(redis.call('SMEMBERS', index)) do
    local values = session(prefix .. other)
    if values and is_live(values, now) then
        live[#live + 1] = {id = other, used = tonumber(values[6])}
    else
        redis.call('SREM', index, other)
    end
end
table.sort(live, function(a, b)
    if a.used ~= b.used then return a.used > b.used end
    return a.id > b.id
end)

local ends = math.min(now + tonumber(ARGV[7]), tonumber(ARGV[8]))
redis.call('HSET', key, 'id', id, 'subject', ARGV[3], 'label', ARGV[4], 'context', ARGV[5],
    'started_at', number(now), 'last_used_at', number(now), 'idle_ms', ARGV[6], 'ends_at', number(ends),
    'generation', '0', 'current', ARGV[9], 'reissues', '0')
local reply = {session(key)}
for position = tonumber(ARGV[10]), #live do
    local other = live[position].id
    finish(prefix .. other, ARGV[11], now)
    redis.call('SREM', index, other)
    reply[#reply + 1] = session(prefix .. other)
end
redis.call('PEXPIREAT', key, number(ends))
redis.call('SADD', index, id)
-- The index lives as long as the last of what it names.
local left = redis.call('PTTL', index)
if left < 0 or now + left < ends then redis.call('PEXPIREAT', index, number(ends)) end
return reply
