-- Charges the buckets of a key, of which this was kept: a list of numbers in 4 and 8 bytes says how many charges; of each bucket how much may be
-- missing, of how much one charge can still be paid, or -1 if of nothing, and how much one takes, in nanoseconds; and in a byte 1 if it only counts.
-- It is one argument, since each costs as much as all that is reckoned with it.
-- Answers how much was missing of the bucket, or a list; and what is kept now, if that is something else.
--
-- What is kept of a bucket is when it is full, in nanoseconds, as 19 digits, apart by spaces. That is more than a number here can hold, but the way
-- there is not: these buckets are full within 2^52 nanoseconds, and all that is reckoned is exact.
local seconds, nanos = time[1], time[2] * 1000

local function charge(key, value, packed)
    -- One bucket, which is what most have, needs no lists.
    if #packed == 29 then
        local count, deepest, room, price = struct.unpack('>I4I8i8I8B', packed)
        local missing, taken, set_back = 0, 0, false
        if value then
            missing = (value:sub(1, 10) - seconds) * 1e9 + (value:sub(11) - nanos)
            if missing < 0 then
                missing = 0
            elseif missing > deepest then
                missing, set_back = deepest, true
            end
        end
        if missing <= room then
            taken = count
            if count > 1 then
                -- Behind the first one.
                local left = room - missing
                taken = math.min((left - left % price) / price + 1, count)
            end
        end
        -- A refusal changes nothing, but where a clock that was set back would make it last.
        local after = missing + taken * price
        if after > 0 and (taken > 0 or set_back) then
            local n = nanos + after
            local rest = n % 1e9
            local text = string.format('%010d%09d', seconds + (n - rest) / 1e9, rest)
            -- Numbers are written in a way that takes longer.
            redis.call('SET', key, text, 'PX', string.format('%d', math.ceil(after / 1e6)))
            return missing, text
        end
        return missing
    end

    local count, at = struct.unpack('>I4', packed)
    local granted, set_back = count, false
    local missing, affords, prices = {}, {}, {}
    local bucket = 0
    while at <= #packed do
        local deepest, room, price, only_counts
        deepest, room, price, only_counts, at = struct.unpack('>I8i8I8B', packed, at)
        local m, can = 0, 0
        if value then
            local from = 20 * bucket
            m = (value:sub(from + 1, from + 10) - seconds) * 1e9 + (value:sub(from + 11, from + 19) - nanos)
            if m < 0 then
                m = 0
            elseif m > deepest then
                m, set_back = deepest, true
            end
        end
        if m <= room then
            can = 1
            if count > 1 then
                local left = room - m
                can = math.min((left - left % price) / price + 1, count)
            end
        end
        bucket = bucket + 1
        missing[bucket], affords[bucket], prices[bucket] = m, can, price
        if can < granted and only_counts == 0 then
            granted = can
        end
    end

    if granted > 0 or set_back then
        local text, slowest
        for i = 1, bucket do
            local taken = affords[i]
            if taken > granted then
                taken = granted
            end
            local m = missing[i] + taken * prices[i]
            local n = nanos + m
            local rest = n % 1e9
            local full_at = string.format('%010d%09d', seconds + (n - rest) / 1e9, rest)
            if i == 1 then
                text, slowest = full_at, m
            else
                text = text .. ' ' .. full_at
                if m > slowest then
                    slowest = m
                end
            end
        end
        if slowest > 0 then
            redis.call('SET', key, text, 'PX', string.format('%d', math.ceil(slowest / 1e6)))
            return missing, text
        end
    end
    return missing
end
