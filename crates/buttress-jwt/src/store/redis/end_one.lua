-- KEYS: the family. ARGV: the reason, the subject or nothing.

local key = KEYS[1]
local values = session(key)
local now = clock()
if not values or not is_live(values, now) then return {} end
if ARGV[2] ~= '' and ARGV[2] ~= values[2] then return {} end
finish(key, ARGV[1], now)
return {session(key)}
