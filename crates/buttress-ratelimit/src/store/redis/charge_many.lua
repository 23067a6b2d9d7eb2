-- KEYS: the buckets of several keys, some of which may be the same.
-- ARGV: of each what is to be charged, or one for all.
-- Answers of each what was missing, or nothing if it could not be charged: that is no reason for the others to fail, which may have been
-- charged before.
local values = redis.call('MGET', unpack(KEYS))
local answers, written = {}, {}
local for_all = #ARGV == 1 and ARGV[1]
for i, key in ipairs(KEYS) do
    local done, missing, kept = pcall(charge, key, written[key] or values[i], for_all or ARGV[i])
    answers[i] = done and missing
    if done and kept then
        written[key] = kept
    end
end
return answers
