-- KEYS: the key.

only_on_a_master('HDEL', KEYS[1])
return {kept(KEYS[1], clock())}
