-- KEYS: the buckets of several keys, some of which may be the same.
-- ARGV: of each what is to be charged.
-- Answers of each what was missing, or nothing if it could not be charged: that is no reason for the others to fail, which may have been
-- charged before.
local values = redis.call('MGET', unpack(KEYS))
local answers, written = {}, {}
for i, key in ipairs(KEYS) do
    local done, missing, text = pcall(charge, key, written[key] or values[i], ARGV[i])
    answers[i] = done and missing
    if done and text then
        written[key] = text
    end
end
return answers
