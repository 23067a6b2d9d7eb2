-- KEYS: the key. ARGV: how long ago it has to have been used, in milliseconds.

only_on_a_master('HDEL', KEYS[1])
local now = clock()
local values = kept(KEYS[1], now)
if values and (not values[9] or now - tonumber(values[9]) >= tonumber(ARGV[1])) then
    redis.call('HSET', KEYS[1], 'last_used_at', number(now))
end
return {}
