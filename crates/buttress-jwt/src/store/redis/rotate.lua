-- KEYS: the family. ARGV: generation, presented, successor, salt, attempt or nothing, grace in milliseconds, the
-- group.
-- The rules are those of `Family::rotate`.

local key = KEYS[1]
local values = session(key)
if not values then return {} end
local now = clock()
if values[9] then return {'ended', '0', '', '0', '', unpack(values, 1, #SESSION)} end

local family = redis.call('HMGET', key, 'generation', 'current', 'previous', 'salt', 'rotated_at', 'attempt')
local newest, presented = tonumber(family[1]), tonumber(ARGV[1])
local apart = number(math.abs(newest - presented))
local since = math.max(now - tonumber(family[5] or values[5]), 0)
local retry = ARGV[5] ~= '' and ARGV[5] == family[6]

local verdict, salt = nil, ''
if not is_live(values, now) or newest >= 4294967295 then
    verdict = 'expired'
    finish(ARGV[7], values, verdict, now)
elseif presented > newest then
    verdict = 'ahead'
elseif presented == newest then
    if ARGV[2] == family[2] then
        verdict = 'rotated'
        redis.call('HSET', key, 'generation', number(newest + 1), 'previous', family[2], 'current', ARGV[3],
            'salt', ARGV[4], 'rotated_at', number(now), 'attempt', ARGV[5], 'reissues', '0',
            'last_used_at', number(now))
    else
        verdict = 'forged'
    end
elseif presented == newest - 1 and ARGV[2] == family[3] and (since < tonumber(ARGV[6]) or retry) then
    verdict, salt = 'reissued', family[4]
    redis.call('HINCRBY', key, 'reissues', 1)
else
    verdict = 'reused'
    finish(ARGV[7], values, verdict, now)
end
return {verdict, apart, salt, number(since), retry and 'y' or '', unpack(session(key), 1, #SESSION)}
