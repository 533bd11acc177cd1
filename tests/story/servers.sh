#!/bin/bash
# Servers that nobody here wrote: Debian's redis and memcached, unpacked into a folder, copied with
# their own libraries, launched, spoken to, stopped in order, their logs fetched, deleted.
. "$(dirname "$0")/lib.sh"
need ldd

packages=(redis-server redis-tools memcached liblzf1 libatomic1 libjemalloc2 libevent-2.1-7
  libsasl2-2 libssl3)
cache=${DM_CACHE:-$build/servers}

# Unpacks the packages into the cache, once.
fetch() {
  [[ -e $cache/done ]] && return
  type -p apt-get dpkg-deb >/dev/null || return 1
  mkdir -p "$cache/debs"
  (cd "$cache/debs" && timeout 120 apt-get -q download "${packages[@]}" >../log 2>&1) || return 1
  for deb in "$cache"/debs/*.deb; do dpkg-deb -x "$deb" "$cache/root" || return 1; done
  touch "$cache/done"
}

if fetch; then
  bin=$cache/root/usr/bin
  libs=$(echo "$cache"/root/usr/lib/*-linux-gnu*)
elif type -p redis-server redis-cli memcached >/dev/null; then
  bin=$(dirname "$(type -p memcached)")
  libs=
else
  skip "redis and memcached are not here and cannot be downloaded: $(tail -n 1 "$cache/log" 2>&1)"
fi
export LD_LIBRARY_PATH=$libs

# PROGRAM: the --lib options for the libraries of its own, in $own.
own_libraries() {
  local path
  own=()
  [[ -n $libs ]] || return 0
  for path in $(ldd "$bin/$1" | awk '{ print $3 }' | grep "^$libs/"); do own+=(--lib "$path"); done
  ((${#own[@]} > 0)) || fail "$1 needs no library of its own"
}
free_port() {
  open_peer probe -lv 127.0.0.1 0
  wait_for grep -q '^Listening on' probe.err
  sed -n 's/^Listening on .* \([0-9]*\)$/\1/p' probe.err >free-port
  close_peer probe
  cat free-port
}

start_master
start_worker w1
start_worker w2
# Whatever the worker's machine has, it is not found by the environment of this story.
unset LD_LIBRARY_PATH
redis_port=$(free_port)
memcached_port=$(free_port)
redis() { LD_LIBRARY_PATH=$libs "$bin/redis-cli" -h 127.0.0.1 -p "$redis_port" "$@" 2>/dev/null; }
answers() { [[ $(redis ping) == PONG ]]; }
memcached() { printf '%s\r\n' "$@" quit | nc -N 127.0.0.1 "$memcached_port" | tr -d '\r' >out; }

LD_LIBRARY_PATH=$libs own_libraries redis-server
dm copy "$bin/redis-server" "${own[@]}"
expect_line 'redis-server version *'
expect_line 'w1: * sent, *'
expect_line 'w2: * sent, *'
dm launch redis-server --on w1 -- --port "$redis_port" --bind 127.0.0.1
wait_for answers
pid=$(pid_of redis-server.1)
same "$(redis set colour blue)" OK
same "$(redis get colour)" blue
same "$(redis info server | tr -d '\r' | sed -n 's/^process_id://p')" "$pid"
has_memory() { (($(field ps redis-server.1 rss_bytes) > 1000000)); }
wait_for has_memory

# An orderly stop, told by redis itself; its data lies in the instance's own directory.
dm stop redis-server.1
expect_line 'redis-server.1: stopped by operator: SIGINT, exit code 0'
gone "$pid" || fail "redis still lives"
dm logs redis-server.1
expect_line '*Received SIGINT scheduling shutdown*'
expect_line '*DB saved on disk*'
expect_line '*ready to exit, bye bye*'
[[ -s w1/work/redis-server.1/dump.rdb ]] || fail "it did not save in its working directory"
dm start redis-server.1
wait_for answers
same "$(redis get colour)" blue

# Killed, it explains that too; a policy brings it back.
LD_LIBRARY_PATH=$libs own_libraries memcached
dm launch "$bin/memcached" "${own[@]}" --on w2 --restart always -- -l 127.0.0.1 \
  -p "$memcached_port" -u "$(id -un)"
memcached_answers() { memcached version && says out 'VERSION *'; }
wait_for memcached_answers
memcached 'set colour 0 0 3' red 'get colour'
expect_line STORED
expect_line red
pid=$(pid_of memcached.1)
kill -KILL "$pid"
is_another() { [[ $(pid_of memcached.1) != "$pid" ]] && is_alive memcached.1; }
wait_for is_another
wait_for memcached_answers
memcached 'get colour'
expect_no_line red

# Gone, and nothing of them is left.
dm stop all
dm delete redis-server
dm delete memcached
same "$(find w1/apps w1/work w1/logs w2/apps w2/work w2/logs -mindepth 1 | wc -l)" 0
same "$(find w1/blobs w2/blobs master/blobs -type f | wc -l)" 0
