-- For tests: a clock that they move comes along, and keys live by the server's, which goes on in between.
local time = {ARGV[#ARGV - 1], table.remove(ARGV)}
table.remove(ARGV)
local server = redis
local redis = {
    call = function(command, ...)
        if command == 'SET' then
            local key, value, px, time_to_live = ...
            return server.call(command, key, value, px, time_to_live + 3600000)
        end
        return server.call(command, ...)
    end,
}
