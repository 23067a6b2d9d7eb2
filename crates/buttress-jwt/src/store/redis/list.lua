-- KEYS: the index of the subject. ARGV: the group.

only_on_a_master('ZREM', KEYS[1])
local now = clock()
local found = unended(ARGV[1], KEYS[1])
if not found then return MOVING end
local reply = {}
for _, values in ipairs(found) do
    if is_live(values, now) then reply[#reply + 1] = values end
end
return reply
