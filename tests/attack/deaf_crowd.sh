#!/bin/bash
# Operators that ask for much and take nothing: the next request is not taken up before the last
# answer is taken, so that a crowd of them holds an answer each and no more; who goes on asking goes.
. "$(dirname "$0")/lib.sh"
secret=  # a netcat that floods has no seals

start_master --control "$dir/master/control.sock" --control 127.0.0.1:0
log=$(echo master-*.log)
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' "$log")

# A sanitized master is slow: fewer of them there.
count=40
[[ -z ${DM_PATIENCE:-} ]] || count=10
# Each asks for 14 MB and more in one go, the kernel takes less than half of that.
requests=$(for ((i = 0; i < 10000; i++)); do echo 'RUN id=1 arg=help'; done)
crowd() {
  local i fd
  trap - EXIT ERR
  set +e
  for ((i = 0; i < count; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$tcp" && printf '%s\n' 'HELLO proto=1 as=control' "$requests" >&"$fd"
  done 2>/dev/null
  echo came >"$dir/crowd.log"
  exec sleep 1000
}
: >crowd.log
crowd &
peer_pids[crowd]=$!
wait_for says crowd.log came
dm version
turned_away() { dm version && says out "$1 peers were turned away since the start"; }
wait_for turned_away "$count"
says "$log" '*turned away anybody from 127.0.0.1:*: it does not read what it is sent (*' || fail "nobody says why"
stays_small master

# Whoever reads gets every answer, in order, however many he asks for at once.
{
  printf 'HELLO proto=1 as=control name=ann\n'
  for ((i = 1; i <= 500; i++)); do printf 'RUN id=%d arg=version\n' "$i"; done
} | timeout 60 nc -N 127.0.0.1 "$tcp" >out
same "$(grep -a '^OK id=' out | sed 's/^OK id=//' | tr '\n' ' ')" "$(seq 500 | tr '\n' ' ')"
{
  printf 'HELLO proto=1 as=control name=ann\n'
  for ((i = 1; i <= 100; i++)); do printf 'help\nRUN id=%d arg=help\n' "$i"; done
} | timeout 60 nc -N 127.0.0.1 "$tcp" >out
same "$(grep -ac '^OK$' out)" 100
same "$(grep -a '^OK id=' out | sed 's/^OK id=//' | tr '\n' ' ')" "$(seq 100 | tr '\n' ' ')"
