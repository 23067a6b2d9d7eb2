# Runs a server and ends it when the process that asked for it is gone, however that came about: the write end of our
# standard input closes when it drops the server, exits, panics or is killed.
#
# $1 is the server's folder, $2 the signal that ends it, the rest its command. The output is two lines: the server's process id,
# and its exit status once it has ended. A line on standard input after that asks to keep the folder.
folder=$1 signal=$2
shift 2

exec 3<&0
"$@" </dev/null >"$folder/log" 2>&1 3<&- &
server=$!
# From here on nobody may be left to read what we write, and there is still work to do.
trap '' PIPE
echo "$server"

(
    while read -r _ <&3; do :; done
    # Again and again, because a server that is only starting may not listen to signals yet.
    tries=0
    while [ "$tries" -lt 100 ]; do
        kill -s "$signal" "$server"
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s KILL "$server"
) >/dev/null 2>&1 &
watch=$!

wait "$server"
status=$?
# Before the process id could become another process's.
kill -s KILL "$watch"
wait "$watch"
echo "$status"
read -r _ <&3 || rm -rf "$folder"
