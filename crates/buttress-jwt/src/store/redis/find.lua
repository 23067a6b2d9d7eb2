-- KEYS: the family.

only_on_a_master('HDEL', KEYS[1])
local values = session(KEYS[1])
if not values then return {} end
if not values[9] and not is_live(values, clock()) then
    values[9], values[10] = number(expires_at(values)), 'expired'
end
return {values}
