-- KEYS: the buckets; those of all quotas before, if there were any, the latest first.
-- ARGV: what is to be charged.
-- Answers what was missing; or, where there is nothing but buckets of the quotas before, the time, what was kept of these, and which
-- of those before they are.
local value = redis.call('GET', KEYS[1])
if not value then
    for i = 2, #KEYS do
        local before = redis.call('GET', KEYS[i])
        if before then
            return {time[1], time[2], before, i - 2}
        end
    end
end
return (charge(KEYS[1], value, ARGV[1]))
