-- KEYS and the answer: as in charge_long.lua. What is kept: as in charge.lua.
-- ARGV: 'take', 'give' or 'set'; of each bucket how much may be missing, and by how much that changes or what it is set
-- to, each in seconds and nanoseconds.
local how = ARGV[1]
local value = redis.call('GET', KEYS[1])
if how == 'set' then
    if KEYS[2] then
        redis.call('DEL', unpack(KEYS, 2))
    end
elseif not value then
    for i = 2, #KEYS do
        local before = redis.call('GET', KEYS[i])
        if before then
            return {time[1], time[2], before, i - 2}
        end
    end
end
local seconds, nanos = tonumber(time[1]), time[2] * 1000

local function carry(s, n)
    if n < 0 then
        return s - 1, n + 1e9
    elseif n >= 1e9 then
        return s + 1, n - 1e9
    end
    return s, n
end

-- Neither less than nothing nor more than may be missing.
local function bound(s, n, at)
    if s < 0 then
        return 0, 0
    end
    local beyond = s - ARGV[at]
    if beyond > 0 or beyond == 0 and n - ARGV[at + 1] > 0 then
        return tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    end
    return s, n
end

local slowest = 0
local times = {}
for at = 2, #ARGV, 4 do
    local s, n = 0, 0
    if value and how ~= 'set' then
        s, n = struct.unpack('>I5I4', value, 9 * #times + 1)
        s, n = carry(s - seconds, n - nanos)
        s, n = bound(s, n, at)
    end
    if how == 'give' then
        s, n = carry(s - ARGV[at + 2], n - ARGV[at + 3])
    else
        s, n = carry(s + ARGV[at + 2], n + ARGV[at + 3])
    end
    s, n = bound(s, n, at)
    slowest = math.max(slowest, s * 1000 + math.ceil(n / 1e6))
    times[#times + 1] = struct.pack('>I5I4', carry(s + seconds, n + nanos))
end
if slowest > 0 then
    redis.call('SET', KEYS[1], table.concat(times), 'PX', string.format('%d', slowest))
else
    redis.call('DEL', KEYS[1])
end
-- What is set does not depend on what was there.
return {time[1], time[2], how ~= 'set' and value, false}
