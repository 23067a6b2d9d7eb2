-- KEYS: as in charge_one.lua.
-- ARGV: how many charges; of each bucket how much may be missing, of how much one charge can still be paid, how much one
-- takes, each in seconds and nanoseconds, and 1 if it only counts.
-- For buckets that take so long to fill that a number here does not hold it in nanoseconds: seconds and nanoseconds are
-- reckoned apart, and the caller reckons from what was kept. Answers the time, and what was kept of the buckets, or of those
-- before, and of which, where there is nothing else.
--
-- What is kept: as in charge.lua.
local value = redis.call('GET', KEYS[1])
if not value then
    for i = 2, #KEYS do
        local before = redis.call('GET', KEYS[i])
        if before then
            return {time[1], time[2], before, i - 2}
        end
    end
end
local ARGV = ARGV
local seconds, nanos = tonumber(time[1]), time[2] * 1000
local count = tonumber(ARGV[1])

-- How much several charges take.
local product
if count > 1 then
    product = function(at, times)
        local high = math.floor(times / 65536)
        local low = times - high * 65536
        local first = ARGV[at + 5] * high
        local carried = math.floor(first / 1e9)
        local n = (first - carried * 1e9) * 65536 + ARGV[at + 5] * low
        local more = math.floor(n / 1e9)
        return ARGV[at + 4] * times + carried * 65536 + more, n - more * 1e9
    end
end

local granted, set_back = count, false
local missing_s, missing_n, affords = {}, {}, {}
local bucket = 0
for at = 2, #ARGV, 7 do
    local s, n = 0, 0
    if value then
        s, n = struct.unpack('>I5I4', value, 9 * bucket + 1)
        s, n = s - seconds, n - nanos
        if n < 0 then
            s, n = s - 1, n + 1e9
        end
        local beyond = s - ARGV[at]
        if s < 0 then
            s, n = 0, 0
        elseif beyond > 0 or beyond == 0 and n - ARGV[at + 1] > 0 then
            s, n, set_back = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), true
        end
    end
    local left_s, left_n = ARGV[at + 2] - s, ARGV[at + 3] - n
    if left_n < 0 then
        left_s, left_n = left_s - 1, left_n + 1e9
    end
    local can = 0
    if left_s >= 0 then
        can = 1
        if count > 1 then
            -- Behind the first one. As a fraction it is at most one off.
            local more = math.floor((left_s * 1e9 + left_n) / (ARGV[at + 4] * 1e9 + ARGV[at + 5]))
            more = math.min(more, count)
            local fits = function(times)
                local by_s, by_n = product(at, times)
                return by_s < left_s or by_s == left_s and by_n <= left_n
            end
            while not fits(more) do
                more = more - 1
            end
            while more < count and fits(more + 1) do
                more = more + 1
            end
            can = math.min(more + 1, count)
        end
    end
    bucket = bucket + 1
    missing_s[bucket], missing_n[bucket], affords[bucket] = s, n, can
    if can < granted and ARGV[at + 6] == '0' then
        granted = can
    end
end

-- A refusal changes nothing, but where a clock that was set back would make it last.
if granted > 0 or set_back then
    local slowest = 0
    local times = {}
    for i = 1, bucket do
        local at = 7 * i - 5
        local s, n, taken = missing_s[i], missing_n[i], granted
        if affords[i] < taken then
            taken = affords[i]
        end
        if taken == 1 then
            s, n = s + ARGV[at + 4], n + ARGV[at + 5]
        elseif taken > 1 then
            local by_s, by_n = product(at, taken)
            s, n = s + by_s, n + by_n
        end
        if n >= 1e9 then
            s, n = s + 1, n - 1e9
        end
        local wait = s * 1000 + math.ceil(n / 1e6)
        if wait > slowest then
            slowest = wait
        end
        s, n = s + seconds, n + nanos
        if n >= 1e9 then
            s, n = s + 1, n - 1e9
        end
        times[i] = struct.pack('>I5I4', s, n)
    end
    if slowest > 0 then
        redis.call('SET', KEYS[1], table.concat(times), 'PX', string.format('%d', slowest))
    end
end
return {time[1], time[2], value, false}
