-- KEYS: the buckets of several keys, some of which may be the same.
-- ARGV: of each what is to be charged, or one for all.
-- Answers of each what was missing, or nothing if it could not be charged: that is no reason for the others to fail, which may have been
-- charged before.
local values = redis.call('MGET', unpack(KEYS))
local answers, written = {}, {}
local for_all = #ARGV == 1 and ARGV[1]
for i, key in ipairs(KEYS) do
    local value = written[key] or values[i]
    -- What is no string is nothing above, and fails here.
    local done, missing, kept = true, nil, nil
    if not value then
        done, value = pcall(redis.call, 'GET', key)
    end
    if done then
        done, missing, kept = pcall(charge, key, value, for_all or ARGV[i])
    end
    answers[i] = done and missing
    if done and kept then
        written[key] = kept
    end
end
return answers
