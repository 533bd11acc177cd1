#!/bin/bash
# A worker that sends in every field what could drive a terminal or deceive its reader, a master that
# does the same to a worker, and operators who name such things: nothing of it comes out anywhere
# but spelled out.
. "$(dirname "$0")/lib.sh"

# C0, DEL, C1 as UTF-8 and as a bare byte, a lone CR, bidi controls, bytes that are no UTF-8.
raw=$'\xc2\x9b2J\x9b31m\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c\xff\xc3'
evil="%1b[2J%1b]0;title%07%0d%0aOK%7f$raw"
# What a person may get to see: printable UTF-8 and newlines.
clean() {  # FILE
  [[ -s $1 ]] || fail "$1 is empty"
  ! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]' "$1" || fail "$1 has control characters: $(cat -v "$1")"
  ! LC_ALL=C grep -qP '\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xd8\x9c' "$1" ||
    fail "$1 has hidden characters: $(cat -v "$1")"
  iconv -f UTF-8 -t UTF-8 "$1" >/dev/null || fail "$1 is no UTF-8"
}
need iconv
# Both forms of the same command, and what went to standard error.
look() {  # WORD...
  "$DM_BIN_DM" --connect "$control" "$@" >"$dir/out" 2>"$dir/err" </dev/null || true
  cat "$dir/out" "$dir/err" >"$dir/seen"
  clean "$dir/seen"
  printf '%s\n' "$*" | nc -NU "$control" >"$dir/seen"
  clean "$dir/seen"
}

start_master --heartbeat 60s
open_peer fake 127.0.0.1 "$port"
hear fake 'DM proto=1 *'
say fake 'HELLO proto=1 name=fake id=abababababababababababababababab'
hear fake 'WELCOME *'
say fake "INFO os=$evil arch=$evil cpus=2 mem=1000 glibc=$evil version=$evil boot=$evil label=rack=$evil label=$evil" \
  "INSTANCE instance=alien.1 app=alien desired=$evil state=$evil run=1 restarts=0 restart=$evil arg=$evil env=A=$evil manifest=$evil" \
  SYNCED 'HEARTBEAT seq=1 cpu=1 mem_used=1 mem_total=100 disk_free=99000000000'
wait_for worker_is fake up

# Orders, each answered with a sentence of that kind.
printf '#!/bin/sh\n' >apps/any
chmod 755 apps/any
answered() {  # ORDER ANSWER: the next such order gets it
  hear fake "$1 *"
  say fake "${2%% *} id=$(heard_field id) ${2#* }"
}
begin() {  # WORD...: a command that waits for the fake
  "$DM_BIN_DM" --connect "$control" "$@" >"$dir/out" 2>"$dir/err" </dev/null &
  asker=$!
}
done_clean() {
  wait "$asker" || true
  cat "$dir/out" "$dir/err" >"$dir/seen"
  clean "$dir/seen"
  grep -qF '\x1B[2J' "$dir/seen" || fail "the sentence itself is missing: $(cat -v "$dir/seen")"
}
begin copy apps/any
answered PROBE "ERR code=bad-arg msg=$evil missing=$evil"
done_clean
begin copy apps/any
answered PROBE 'OK a=b'
hear fake 'INSTALL *'
say fake "PROGRESS id=$(heard_field id) done=1 total=10 what=$evil"
say fake "ERR id=$(heard_field id) code=$evil msg=$evil"
done_clean
begin launch any --on fake
answered PROBE 'OK a=b'
answered INSTALL 'OK sent=1 there=0 bytes=1 elapsed_ms=1'
answered LAUNCH "ERR code=exec-failed msg=$evil"
done_clean
begin launch any --on fake --env "A=$(printf '\033[2J')" -- "$(printf 'x\033[2J\r')"
answered LAUNCH "OK pid=4711 run=1 state=$evil"
wait "$asker"
say fake "INSTANCE instance=any.2 state=$evil run=1 pid=4711 started_ms=1700000000000 cpu_percent=$evil"
look ps
begin stop any.2
answered STOP "OK reason=$evil"
done_clean
say fake "EXITED seq=1 instance=any.2 run=1 pid=4711 ended_ms=1700000001000 exit_code=3 signal=$evil reason=$evil"
hear fake 'ACK seq=1'
begin start any.2
answered LAUNCH 'OK pid=4712 run=2'
wait "$asker"
say fake "EXITED seq=2 instance=any.2 run=2 pid=4712 ended_ms=1700000001000 signal=$evil reason=$evil"
hear fake 'ACK seq=2'
wait_for is any.2 dead
look stop any.2
grep -qF '\x1B[2J' seen || fail "the reason of a dead one is missing"

# A log is the app's own and shown as it is; who sends it is not.
begin logs any.2
answered LOG "ERR code=not-found msg=$evil"
done_clean
# Lines that are none, verbs that nobody knows.
say fake "FROB id=$evil a=$evil" 'ERR code=internal msg='"$evil"
hear fake 'ERR id=* code=unknown-verb *'

for command in workers 'workers --json' 'ps --all' 'ps --all --json' usage 'events -n 1000' \
  'events -n 1000 --json' 'describe fake' 'describe fake --json' 'describe any' 'describe any.2' \
  'describe any.2 --json' 'describe alien.1'; do
  # shellcheck disable=SC2086
  look $command
done
look events -n 1000
grep -qF '\x1B[2J' seen || fail "no event tells what the worker said"

# What an operator names comes back in the answer.
bad=$(printf 'no\033[2Jsuch\r\x9b')
for command in describe stop launch logs delete ps "$bad" help; do look "$command" "$bad"; done
dm_fails 3 copy "$dir/$bad"
clean err

# Names of strangers.
open_peer stranger 127.0.0.1 "$port"
say stranger "HELLO proto=1 name=$evil id=$evil as=$evil"
hear stranger 'ERR code=*'
close_peer stranger
say fake "$(printf 'not a line \033[2J')"
wait_for dropped fake
close_peer fake
look events -n 1000
for log in master-*.log; do clean "$log"; done
stop_program master

# A master that does it to a worker.
mkfifo to_worker
nc -l 127.0.0.1 0 -v <to_worker >from_worker 2>nc.err &
peer_pids[listener]=$!
# shellcheck disable=SC1083,SC2093  # a descriptor is opened, nothing is executed
exec {peer_fds[listener]}>to_worker
wait_for grep -q '^Listening on' nc.err
port=$(sed -n 's/^Listening on .* \([0-9]*\)$/\1/p' nc.err)
"$DM_BIN_WORKER" --insecure --master "127.0.0.1:$port" --name w1 --root "$dir/w1" 2>w1.log \
  </dev/null >/dev/null &
pids[w1]=$!
roots[w1]=$dir/w1
say listener 'DM proto=1'
wait_for grep -q '^HELLO' from_worker
say listener "WELCOME heartbeat_ms=600000 cluster=$evil epoch=$evil"
wait_for grep -q '^SYNCED' from_worker
say listener "ERR code=$evil msg=$evil" "FROB id=1 a=$evil" "DELETE id=2 app=$evil" \
  "LAUNCH id=3 instance=$evil app=$evil manifest=$evil run=1" "BEAT seq=$evil"
wait_for grep -q '^ERR id=3' from_worker
wait_for grep -qF '\x1B[2J' w1.log
say listener "$(printf 'no line \033[2J')"
close_peer listener
wait_for grep -q 'no session' w1.log
clean w1.log
