-- KEYS: the family. ARGV: the reason, nothing or "+" and the subject whose it has to be.

local key = KEYS[1]
local values = session(key)
local now = clock()
if not values or not is_live(values, now) then return {} end
if ARGV[2] ~= '' and ARGV[2] ~= '+' .. values[2] then return {} end
finish(key, ARGV[1], now)
return {session(key)}
