-- KEYS: the family. ARGV: the group, the reason, nothing or "+" and the subject whose it has to be, how long ago it
-- ended if it is named again. The answer is that of end_all.lua.

only_on_a_master('HDEL', KEYS[1])
local values = session(KEYS[1])
local now = clock()
if not values or ARGV[3] ~= '' and ARGV[3] ~= '+' .. values[2] then return {'0'} end
if not values[9] then return {'1', finish(ARGV[1], values, ARGV[2], now)} end
if now - tonumber(values[9]) <= tonumber(ARGV[4]) then return {'0', values} end
return {'0'}
