#!/bin/bash
# Who fills the places of operators fills his own: one key has few, wherever it is used, and the Unix
# socket has others than TCP. Who is one too many hears so in the form that he speaks.
. "$(dirname "$0")/lib.sh"

start_master --control "$dir/master/control.sock" --control 127.0.0.1:0
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log)
start_worker w1
for role in viewer admin; do make_key "$role.key" --control "$role-ann" --role "$role"; done
as() { timeout 20 "$DM_BIN_DM" --connect "127.0.0.1:$tcp" --secret-file "$1.key" "${@:2}" >out 2>err </dev/null; }

for ((i = 0; i < 64; i++)); do
  "$DM_BIN_DM" --connect "127.0.0.1:$tcp" --secret-file viewer.key events -f </dev/null >"f$i.out" 2>&1 &
  peer_pids[f$i]=$!
done
for ((i = 0; i < 64; i++)); do wait_for test -s "f$i.out"; done
status=0
as viewer ps || status=$?
same "$status" 1
expect_error 'dm: too many connections *'
as admin ps || fail "one key has taken the places of another"
dm workers revoke viewer-ann
for ((i = 0; i < 64; i++)); do
  wait_for gone "${peer_pids[f$i]}"
  unset "peer_pids[f$i]"
done

# The master's own user, on the Unix socket, until there are enough of him too.
mkfifo silence
exec {silence}<>silence
dm_says_busy() {
  status=0
  "$DM_BIN_DM" --connect "$control" version >out 2>err </dev/null || status=$?
  ((status != 0))
}
crowd=0
until dm_says_busy; do  # ten at a time: a socket's queue is short
  ((crowd < 400)) || fail "there is no end of places"
  for ((i = 0; i < 10; i++)); do
    nc -U "$control" <silence >crowd.heard 2>&1 &
    peer_pids[c$((crowd++))]=$!
  done
done
same "$status" 1
expect_error 'dm: too many connections of that peer, or in all'
app late <<<'exec sleep 1000'
dm_fails 1 copy apps/late
expect_error 'dm: too many connections *'
talk version
same "$(cat out)" 'ERR busy too many connections of that peer, or in all'
printf 'RUN id=7 arg=version\n' | nc -NU "$control" >out
expect_line 'ERR id=7 code=busy msg=too%20many%20connections*'
as admin ps || fail "a crowd on the Unix socket has taken the places of TCP"
for ((i = 0; i < crowd; i++)); do
  kill "${peer_pids[c$i]}" 2>/dev/null || true
  wait "${peer_pids[c$i]}" 2>/dev/null || true
  unset "peer_pids[c$i]"
done
let_in() { "$DM_BIN_DM" --connect "$control" version >out 2>&1; }
wait_for let_in
