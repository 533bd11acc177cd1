#!/bin/bash
# Crowds: idle ones, slow ones, deaf ones, more than there are descriptors. Workers stay up, commands
# are answered, and when the crowd has gone everything is as before.
. "$(dirname "$0")/lib.sh"
ulimit -n 4096 2>/dev/null || skip "4096 descriptors are not to be had"

start_master --heartbeat 1s --control "$dir/master/control.sock" --control 127.0.0.1:0
log=$(echo master-*.log)
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' "$log")
start_worker w1
start_worker w2
app work <<'END'
echo hello
exec sleep 1000
END
dm launch apps/work --on w1
pid=$(pid_of work.1)

# Needs new connections to the master: a file goes out, a log comes in.
honest_work() {
  app "again$1" <<<"exec sleep 1000 # $1"
  dm copy "apps/again$1" --to w2
  dm logs work.1
  same "$(cat out)" hello
  "$DM_BIN_DM" --connect "127.0.0.1:$tcp" --secret-file ann.key ps >out || fail "no way in for operators"
  expect_line 'work.1 *'
}
make_key ann.key --control ann --role viewer

# N PORT [TEXT]: so many connections from one process, each says this text and then no more.
crowd() {
  local i fd
  trap - EXIT ERR
  set +e
  for ((i = 0; i < $1; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$2" && printf '%s' "${3:-}" >&"$fd"
  done 2>/dev/null
  echo "$1 came" >"$dir/crowd.log"
  exec sleep 1000
}
begin_crowd() {
  : >crowd.log
  crowd "$@" &
  peer_pids[crowd]=$!
  wait_for says crowd.log '* came'
}
end_crowd() {
  kill "${peer_pids[crowd]}"
  wait "${peer_pids[crowd]}" 2>/dev/null || true
  unset 'peer_pids[crowd]'
}
descriptors() { find "/proc/${pids[master]}/fd" -maxdepth 1 2>/dev/null | wc -l; }
calm=$(descriptors)
is_calm() { (($(descriptors) <= calm + 2)); }

# Three thousand who say nothing: 1024 have a place, the others are pushed out.
begin_crowd 3000 "$port"
(($(descriptors) <= calm + 1024 + 8)) || fail "the master holds $(descriptors) descriptors"
honest_work 1
wait_for says "$log" '*turned away from 127.0.0.1:*: too many wait without a HELLO (*'
end_crowd
wait_for is_calm

# At both doors of the master, and drop by drop: a line that never ends.
begin_crowd 300 "$tcp" 'HELLO proto=1 name='
honest_work 2
end_crowd
begin_crowd 300 "$port" 'HELLO proto=1 name='
honest_work 3
wait_for says "$log" '*turned away *'
end_crowd
wait_for is_calm

# Time is up for him who stays alone: 5 s.
open_peer slow 127.0.0.1 "$port"
say slow ''
open_peer slower 127.0.0.1 "$port"
printf 'HELLO' >&"${peer_fds[slower]}"
hear slower 'ERR code=timeout msg=no%20HELLO%20within%205%20s'
wait_for dropped slower

# Come and go, as fast as they can.
flood() {
  local i fd
  trap - EXIT ERR
  set +e
  for ((i = 0; i < 3000; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$port"
    exec {fd}>&-
  done 2>/dev/null
}
flood &
flooder=$!
honest_work 4
wait "$flooder" || true
wait_for is_calm

dm version
expect_line '[0-9]* peers were turned away since the start'
same "$(count_events ' worker-up ')" 2
same "$(pid_of work.1)" "$pid"
(($(grep -c 'turned away' "$log") < 100)) || fail "the log was flooded"
stays_small master
