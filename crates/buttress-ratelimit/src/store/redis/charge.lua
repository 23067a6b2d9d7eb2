-- Charges the buckets of a key, of which this was kept: a list of numbers in 4 and 8 bytes says how many charges; of each bucket how much may be
-- missing, of how much one charge can still be paid, or -1 if of nothing, and how much one takes, in nanoseconds; and in a byte 1 if it only counts.
-- It is one argument, since each costs as much as all that is reckoned with it.
-- Answers how much was missing of the bucket, or a list; and what is kept now, if that is something else.
--
-- What is kept of a bucket is when it is full: the seconds in 5 bytes, and the nanoseconds in 4. Together they are more than a number here can
-- hold, but the way there is not: these buckets are full within 2^52 nanoseconds, and all that is reckoned is exact.
local seconds, nanos = time[1] + 0, time[2] * 1000

-- Most charges of one call are alike.
local last, count, deepest, room, price

local function charge(key, value, packed)
    -- One bucket, which is what most have, needs no lists.
    if #packed == 29 then
        if packed ~= last then
            count, deepest, room, price = struct.unpack('>I4I8i8I8', packed)
            last = packed
        end
        local missing, taken, set_back = 0, 0, false
        if value then
            if #value ~= 9 then
                error('this is no bucket')
            end
            local s, n = struct.unpack('>I5I4', value)
            missing = (s - seconds) * 1e9 + (n - nanos)
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
            local kept = struct.pack('>I5I4', seconds + (n - rest) / 1e9, rest)
            -- Numbers are written in a way that takes longer.
            redis.call('SET', key, kept, 'PX', string.format('%d', math.ceil(after / 1e6)))
            return missing, kept
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
            local s, n = struct.unpack('>I5I4', value, 9 * bucket + 1)
            m = (s - seconds) * 1e9 + (n - nanos)
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
    if value and #value ~= 9 * bucket then
        error('these are no buckets')
    end

    if granted > 0 or set_back then
        local kept, slowest = '', 0
        for i = 1, bucket do
            local taken = affords[i]
            if taken > granted then
                taken = granted
            end
            local m = missing[i] + taken * prices[i]
            local n = nanos + m
            local rest = n % 1e9
            kept = kept .. struct.pack('>I5I4', seconds + (n - rest) / 1e9, rest)
            if m > slowest then
                slowest = m
            end
        end
        if slowest > 0 then
            redis.call('SET', key, kept, 'PX', string.format('%d', math.ceil(slowest / 1e6)))
            return missing, kept
        end
    end
    return missing
end
