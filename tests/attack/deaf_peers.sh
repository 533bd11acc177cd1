#!/bin/bash
# Peers that ask and never read, and more of one kind than anybody needs: dropped before their answers
# fill the memory, refused when there are enough; counted and said.
. "$(dirname "$0")/lib.sh"
secret=  # a netcat that floods has no seals
ulimit -n 4096 2>/dev/null || skip "4096 descriptors are not to be had"

start_master --heartbeat 1s --control "$dir/master/control.sock" --control 127.0.0.1:0
log=$(echo master-*.log)
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' "$log")
start_worker w1

deafen "$port" 'HELLO proto=1 name=deaf' "NONSENSE id=$(printf '%0200d' 0)" &
peer_pids[deaf]=$!
wait_for gone "${peer_pids[deaf]}"
wait_for says "$log" '*turned away deaf from 127.0.0.1:*: it does not read what it is sent (1 so far)'
deafen "$tcp" 'HELLO proto=1 as=control name=ann' 'RUN id=1 arg=help' &
peer_pids[deaf]=$!
wait_for gone "${peer_pids[deaf]}"
counts() { dm version && says out "$1 peers were turned away since the start"; }
wait_for counts 2
stays_small master

# Connections that are let in are limited too: 256 operators of one address.
wait_for worker_is w1 up
enter() {
  local i fd
  trap - EXIT ERR
  set +e
  for ((i = 0; i < 300; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$tcp" && printf 'HELLO proto=1 as=control\n' >&"$fd"
    read -r <&"$fd" && read -r <&"$fd"  # DM, and WELCOME or why not
  done 2>/dev/null
  echo came >"$dir/crowd.log"
  exec sleep 1000
}
: >crowd.log
enter &
peer_pids[crowd]=$!
wait_for says crowd.log came
printf 'HELLO proto=1 as=control\nversion\n' | timeout 20 nc -N 127.0.0.1 "$tcp" >out || true
expect_line 'ERR code=busy msg=too%20many%20connections*'
wait_for counts 47  # 300 - 256, the one above, and those before
dm workers  # another door is another count
expect_line 'w1 *up *'
kill "${peer_pids[crowd]}"
wait "${peer_pids[crowd]}" 2>/dev/null || true
unset 'peer_pids[crowd]'
let_in() {
  printf 'HELLO proto=1 as=control\nversion\n' | timeout 20 nc -N 127.0.0.1 "$tcp" >out || true
  says out WELCOME
}
wait_for let_in
same "$(count_events ' worker-up  worker w1')" 1
