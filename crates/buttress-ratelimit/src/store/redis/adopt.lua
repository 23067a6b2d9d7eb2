-- KEYS: the buckets, those before that were found, and all before these.
-- ARGV: what was kept of the buckets before when they were read; what becomes of it, and for how many milliseconds, or
-- 0 if nothing does.
if redis.call('GET', KEYS[2]) == ARGV[1] then
    if ARGV[3] ~= '0' and redis.call('EXISTS', KEYS[1]) == 0 then
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    end
    redis.call('DEL', unpack(KEYS, 2))
end
return true
