-- What the scripts share: a family is a hash, whose fields are named as the columns of the SQL stores are.
-- Times are milliseconds by the server's clock; a text that may be missing is empty or stands after a "+".

local function number(value) return string.format('%.0f', value) end

local function clock()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local SESSION = {'id', 'subject', 'label', 'context', 'started_at', 'last_used_at', 'idle_ms', 'ends_at',
    'ended_at', 'end_reason'}

-- The session as a reply, or nothing if there is none.
local function session(key)
    local values = redis.call('HMGET', key, unpack(SESSION))
    if not values[1] then return nil end
    return values
end

local function is_live(values, now)
    return not values[9] and now < math.min(tonumber(values[6]) + tonumber(values[7]), tonumber(values[8]))
end

local function finish(key, reason, now)
    redis.call('HSET', key, 'ended_at', number(now), 'end_reason', reason)
end
