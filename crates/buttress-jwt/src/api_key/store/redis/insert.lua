-- KEYS: the key, the index of its subject. ARGV: what the names of keys begin with, id, subject, environment, "+" and
-- the label or nothing, scopes, roles, digest, lifetime or nothing, the last time there is, how long it is kept beyond.
-- The other keys of the subject are in the same slot as its index.

only_on_a_master('HDEL', KEYS[1])
local key, index = KEYS[1], KEYS[2]
local prefix, id = ARGV[1], ARGV[2]
local now = clock()
local known = kept(key, now)
-- The client of a cluster repeats a call whose answer was lost. No two keys have the same digest.
if known then return known[12] == ARGV[8] and {known} or {} end
local others = listed(index, prefix)
if not others then return MOVING end
for _, other in ipairs(others) do
    if redis.call('EXISTS', prefix .. other) == 0 then redis.call('SREM', index, other) end
end

redis.call('HSET', key, 'id', id, 'subject', ARGV[3], 'environment', ARGV[4], 'scopes', ARGV[6], 'roles', ARGV[7],
    'created_at', number(now), 'current', ARGV[8])
if ARGV[5] ~= '' then redis.call('HSET', key, 'label', string.sub(ARGV[5], 2)) end
-- The index lives as long as the last of what it names. What has no end has no time to live.
local left = redis.call('PTTL', index)
redis.call('SADD', index, id)
if ARGV[9] == '' then
    redis.call('PERSIST', index)
else
    local ends = math.min(now + tonumber(ARGV[9]), tonumber(ARGV[10]))
    local gone = ends + tonumber(ARGV[11])
    redis.call('HSET', key, 'expires_at', number(ends))
    redis.call('PEXPIREAT', key, number(gone))
    if left == -2 or (left >= 0 and now + left < gone) then redis.call('PEXPIREAT', index, number(gone)) end
end
return {kept(key, now)}
