-- KEYS: the key.

return {kept(KEYS[1], clock())}
