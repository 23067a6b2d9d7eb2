-- KEYS: the index of the subject. ARGV: the group.

local now = clock()
local reply = {}
for _, values in ipairs(unended(ARGV[1], KEYS[1])) do
    if is_live(values, now) then reply[#reply + 1] = values end
end
return reply
