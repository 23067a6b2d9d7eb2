-- What all scripts share: an API key is a hash, whose fields are named as the columns of the SQL stores are.
-- Times are milliseconds by the server's clock; what there is not has no field.

local function number(value) return string.format('%.0f', value) end

local function clock()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- A replica says what it has, however old, and only refuses to be written to. A former master that became one would be
-- read from for ever. So a script begins with a write that changes nothing, of what cannot be there: nothing in it
-- has an empty name. The command is one for what the key is, and the key may be missing.
local function only_on_a_master(command, key) redis.call(command, key, '') end

local FIELDS = {'id', 'subject', 'environment', 'label', 'scopes', 'roles', 'created_at', 'expires_at',
    'last_used_at', 'rotated_at', 'overlaps_until', 'current', 'previous'}

-- The key as a reply, with the time at which it was read, or nothing if there is none.
local function kept(key, now)
    local values = redis.call('HMGET', key, unpack(FIELDS))
    if not values[1] then return nil end
    values[#FIELDS + 1] = number(now)
    return values
end

-- Clients of a cluster wait and try again.
local MOVING = redis.error_reply('TRYAGAIN The keys of the subject are being moved to another node')

-- The ids in the index of a subject, whose keys have names that begin with the prefix. Nothing while they are being
-- moved: a cluster moves a slot key by key, and what has not come yet reads as missing. Only a command that names
-- several keys fails then.
local function listed(index, prefix)
    local ids, keys = redis.call('SMEMBERS', index), {}
    for position, id in ipairs(ids) do keys[position] = prefix .. id end
    -- Lua passes some thousand arguments at most.
    for first = 1, #keys, 1000 do
        local there = redis.pcall('EXISTS', index, unpack(keys, first, math.min(first + 999, #keys)))
        if type(there) ~= 'number' then return nil end
    end
    return ids
end
