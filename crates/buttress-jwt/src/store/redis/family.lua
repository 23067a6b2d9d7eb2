-- What the scripts share: a family is a hash, whose fields are named as the columns of the SQL stores are.
-- Times are milliseconds by the server's clock; a text that may be missing is empty or stands after a "+".
-- `group` is what the names of the families of a subject begin with: they and their index are in one slot.

local function number(value) return string.format('%.0f', value) end

local function clock()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- A replica says what it has, however old, and only refuses to be written to. A former master that became one would be
-- read from for ever. So a script begins with a write that changes nothing, of what cannot be there: nothing in it
-- has an empty name. The command is one for what the key is, and the key may be missing.
local function only_on_a_master(command, key) redis.call(command, key, '') end

local SESSION = {'id', 'subject', 'label', 'context', 'started_at', 'last_used_at', 'idle_ms', 'ends_at',
    'ended_at', 'end_reason'}

-- The session as a reply, or nothing if there is none.
local function session(key)
    local values = redis.call('HMGET', key, unpack(SESSION))
    if not values[1] then return nil end
    return values
end

local function expires_at(values)
    return math.min(tonumber(values[6]) + tonumber(values[7]), tonumber(values[8]))
end

local function is_live(values, now)
    return not values[9] and now < expires_at(values)
end

-- No id begins like this: they are hexadecimal.
local function index_of(group, subject) return group .. 'subject:' .. subject end

-- Whether all of these keys are on this node, or are nowhere. While a cluster moves their slot, key by key, what has
-- not come yet reads as missing: only a command that names several keys fails then.
local function together(...) return type(redis.pcall('EXISTS', ...)) == 'number' end

-- Clients of a cluster wait and try again.
local MOVING = redis.error_reply('TRYAGAIN The sessions of the subject are being moved to another node')

-- In the index, those that have not ended have the score 0, and the others the time when they ended. It lives as
-- long as the last of what it names. If it is elsewhere, a second one here would be in its way: it is left as it is,
-- and what it says of this family is put right by whoever reads it.
local function enlist(index, key, id, score, ends, now)
    if not together(index, key) then return end
    redis.call('ZADD', index, number(score), id)
    local left = redis.call('PTTL', index)
    if left < 0 or now + left < ends then redis.call('PEXPIREAT', index, number(ends)) end
end

-- Ends the session, or says that it has ended by time. Marked first: what is out of the index has ended.
local function finish(group, values, reason, now)
    if now >= expires_at(values) then reason = 'expired' end
    values[9], values[10] = number(now), reason
    local key = group .. values[1]
    redis.call('HSET', key, 'ended_at', values[9], 'end_reason', reason)
    enlist(index_of(group, values[2]), key, values[1], now, tonumber(values[8]), now)
    return values
end

-- The sessions with these ids of the index, false where there is none any more. Nothing while they are being moved.
local function sessions(group, index, ids)
    local keys, found = {}, {}
    for position, id in ipairs(ids) do keys[position] = group .. id end
    -- Lua passes some thousand arguments at most.
    for first = 1, #keys, 1000 do
        if not together(index, unpack(keys, first, math.min(first + 999, #keys))) then return nil end
    end
    for position, key in ipairs(keys) do found[position] = session(key) or false end
    return found
end

-- Those of the index that have not ended, or nothing while they are being moved. What is not there any more leaves
-- the index.
local function unended(group, index)
    local ids, found = redis.call('ZRANGEBYSCORE', index, '0', '0'), {}
    local all = sessions(group, index, ids)
    if not all then return nil end
    for position, values in ipairs(all) do
        if values and not values[9] then
            found[#found + 1] = values
        else
            redis.call('ZREM', index, ids[position])
        end
    end
    return found
end
