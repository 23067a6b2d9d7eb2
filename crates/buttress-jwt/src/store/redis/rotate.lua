-- KEYS: the family. ARGV: the group, generation, presented, successor, salt, attempt or nothing, grace in
-- milliseconds, how often the newest is given out again, how old it has to be, "y" if one ahead is believed.
-- The rules are those of `Family::rotate`, and that the same call may come twice.

only_on_a_master('HDEL', KEYS[1])
local key, group = KEYS[1], ARGV[1]
local values = session(key)
if not values then return {} end
local now = clock()
if values[9] then return {'ended', '0', '', '0', '', unpack(values, 1, #SESSION)} end

local family = redis.call('HMGET', key, 'generation', 'current', 'previous', 'salt', 'rotated_at', 'attempt',
    'reissues', 'reissued_to')
local newest, presented = tonumber(family[1]), tonumber(ARGV[2])
local apart = number(math.abs(newest - presented))
local since = math.max(now - tonumber(family[5] or values[5]), 0)
local retry = ARGV[6] ~= '' and ARGV[6] == family[6]

local verdict, salt = nil, ''
if not is_live(values, now) or newest >= 4294967295 then
    verdict = 'expired'
elseif presented > newest then
    local believed = ARGV[10] == 'y' and presented == newest + 1 and presented < 4294967295
    verdict = believed and 'caught-up' or 'ahead'
elseif presented == newest then
    if ARGV[3] ~= family[2] then
        verdict = 'forged'
    else
        verdict = since < tonumber(ARGV[9]) and 'kept' or 'rotated'
    end
elseif presented == newest - 1 and ARGV[3] == family[3] and ARGV[5] == family[4] then
    -- The client of a cluster repeats a call whose answer was lost. No two calls have the same salt.
    verdict = 'again'
elseif presented == newest - 1 and ARGV[3] == family[3] and ARGV[5] == family[8] then
    verdict, salt = 'again', family[4]
elseif presented == newest - 1 and ARGV[3] == family[3] and (since < tonumber(ARGV[7]) or retry)
    and tonumber(family[7]) < tonumber(ARGV[8]) then
    verdict, salt = 'reissued', family[4]
else
    verdict = 'reused'
end

if verdict == 'again' then
    verdict = salt == '' and 'rotated' or 'reissued'
elseif verdict == 'rotated' or verdict == 'caught-up' then
    redis.call('HSET', key, 'generation', number(presented + 1), 'previous', ARGV[3], 'current', ARGV[4],
        'salt', ARGV[5], 'rotated_at', number(now), 'attempt', ARGV[6], 'reissues', '0',
        'last_used_at', number(now))
    values[6] = number(now)
elseif verdict == 'kept' then
    redis.call('HSET', key, 'last_used_at', number(now))
    values[6] = number(now)
elseif verdict == 'reissued' then
    redis.call('HINCRBY', key, 'reissues', 1)
    redis.call('HSET', key, 'reissued_to', ARGV[5])
elseif verdict ~= 'ahead' then
    values = finish(group, values, verdict, now)
end
-- An index that was lost comes back with those that are used. One that has gone to another node is none that was lost,
-- and what was done here is done.
local index = index_of(group, values[2])
if not values[9] and redis.pcall('ZSCORE', index, values[1]) == false then
    enlist(index, key, values[1], 0, tonumber(values[8]), now)
end
return {verdict, apart, salt, number(since), retry and 'y' or '', unpack(values, 1, #SESSION)}
