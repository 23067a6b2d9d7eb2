-- KEYS: the key. ARGV: what the names of keys begin with, and nothing, or "+" and the subject, and the environment.
-- The index of the subject is in the same slot.

only_on_a_master('HDEL', KEYS[1])
local values = kept(KEYS[1], clock())
if not values then return {} end
if ARGV[2] ~= '' and (ARGV[2] ~= '+' .. values[2] or ARGV[3] ~= values[3]) then return {} end
redis.call('DEL', KEYS[1])
-- While a cluster moves the slot, the index may have gone already. What it names and is not there does no harm.
redis.pcall('SREM', ARGV[1] .. 'of:' .. values[3] .. ':' .. values[2], values[1])
return {values}
