-- KEYS: the key. ARGV: subject, environment, digest, overlap in milliseconds.
-- The rules are those of `KeptKey::rotate`, and that the same call may come twice.

only_on_a_master('HDEL', KEYS[1])
local key = KEYS[1]
local now, overlap = clock(), tonumber(ARGV[4])
local values = kept(key, now)
if not values or values[2] ~= ARGV[1] or values[3] ~= ARGV[2] then return {} end
local ends = values[8] and tonumber(values[8])
if ends and now >= ends then return {} end
-- The client of a cluster repeats a call whose answer was lost. No two rotations have the same digest.
if values[12] == ARGV[3] then return {'done', values} end
if overlap > 0 then
    if values[11] and now < tonumber(values[11]) then return {'overlapping', values} end
    local last = now + overlap
    if ends then last = math.min(last, ends) end
    redis.call('HSET', key, 'previous', values[12], 'overlaps_until', number(last))
else
    redis.call('HDEL', key, 'previous', 'overlaps_until')
end
redis.call('HSET', key, 'current', ARGV[3], 'rotated_at', number(now))
return {'done', kept(key, now)}
