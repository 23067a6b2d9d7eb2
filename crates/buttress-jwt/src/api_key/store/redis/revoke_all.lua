-- KEYS: the index of the subject. ARGV: what the names of keys begin with.
-- The keys of the subject are in the same slot as its index.

only_on_a_master('SREM', KEYS[1])
local now = clock()
local ids = listed(KEYS[1], ARGV[1])
if not ids then return MOVING end
local reply = {}
for _, id in ipairs(ids) do
    reply[#reply + 1] = kept(ARGV[1] .. id, now)
    redis.call('DEL', ARGV[1] .. id)
end
redis.call('DEL', KEYS[1])
return reply
