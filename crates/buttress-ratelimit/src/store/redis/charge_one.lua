-- KEYS: the buckets; those of the quotas before, if these have been replaced.
-- ARGV: what is to be charged.
-- Answers what was missing; or, where there is nothing but buckets of the quotas before, the time and what was kept of these.
local value = redis.call('GET', KEYS[1])
if not value and KEYS[2] then
    local before = redis.call('GET', KEYS[2])
    if before then
        return {time[1], time[2], before}
    end
end
return (charge(KEYS[1], value, ARGV[1]))
