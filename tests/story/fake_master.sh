#!/bin/bash
# Netcat as the master of a real worker: what it says of itself, how it answers orders, that it
# comes back by itself and never lets its apps suffer.
. "$(dirname "$0")/lib.sh"

# NAME: listens; $port is set.
listen_as() {
  open_peer "$1" -lv 127.0.0.1 "${port:-0}"
  wait_for grep -q '^Listening on' "$dir/$1.err"
  port=$(sed -n 's/^Listening on .* \([0-9]*\)$/\1/p' "$dir/$1.err" | head -n 1)
}
welcome() {
  say "$1" 'DM proto=1'
  hear "$1" 'HELLO proto=1 name=w1 id=???????????????????????????????? boot=*'
  say "$1" 'WELCOME heartbeat_ms=300'
}

listen_as m1
roots[w1]=$dir/w1
"$DM_BIN_WORKER" --insecure --master "127.0.0.1:$port" --name w1 --root "$dir/w1" \
  --label zone=a --label disk=ssd 2>"$dir/w1.log" </dev/null >/dev/null &
pids[w1]=$!
welcome m1
hear m1 'INFO os=* arch=* cpus=* mem=* glibc=*'
[[ $heard == *' version='*' boot='*' uptime_ms='*' label=zone=a label=disk=ssd'* ]] ||
  fail "INFO lacks something: $heard"
hear m1 SYNCED
for seq in 1 2 3; do
  hear m1 "HEARTBEAT seq=$seq cpu=* mem_used=* mem_total=* load1=* disk_free=* instances=0*"
done

# Orders for what is not there, orders that are none: each is answered under its id.
none=$(printf '%064d' 0)
say m1 "LAUNCH id=1 instance=nosuch.1 app=nosuch manifest=$none run=1 restart=no"
hear m1 'ERR id=1 code=not-found msg=*not%20installed%20here*'
say m1 'STOP id=2 instance=nosuch.1'
hear m1 'ERR id=2 code=not-found *'
say m1 'KILL id=3 instance=nosuch.1'
hear m1 'ERR id=3 code=not-found *'
say m1 'LOG id=4 instance=../../etc/passwd'
hear m1 'ERR id=4 code=not-found *'
say m1 "LAUNCH id=5 instance=../x.1 app=../x manifest=$none run=1"
hear m1 'ERR id=5 code=bad-arg *'
say m1 "INSTALL id=6 app=../../x manifest=$none"
hear m1 'ERR id=6 code=bad-arg *'
say m1 'INSTALL id=7 app=x manifest=../../../etc/passwd'
hear m1 'ERR id=7 code=bad-arg *'
say m1 'DELETE id=8 app=..'
hear m1 'ERR id=8 code=bad-arg *'
say m1 'FROBNICATE id=9'
hear m1 'ERR id=9 code=unknown-verb *'
say m1 'PROBE id=10 arch=any lib=libc.so.6'
hear m1 'OK id=10'
say m1 'PROBE id=11 arch=any lib=libnosuch.so.7'
hear m1 'ERR id=11 * msg=*libnosuch.so.7*'
say m1 'USAGE id=12'
hear m1 'OK id=12 cpu_user_ms=* cpu_system_ms=* max_rss_bytes=*'
say m1 'DELETE id=13 app=nosuch'
hear m1 'OK id=13'

# A line that is none ends the session; the worker comes back to whoever listens there.
say m1 'this is = no line'
wait_for dropped m1
close_peer m1
listen_as m2
welcome m2
hear m2 'INFO *'
hear m2 SYNCED
hear m2 'HEARTBEAT seq=*'

# An over-long line, whose tail would be an order.
{ head -c 70000 /dev/zero | tr '\0' x; printf '\nDELETE id=evil app=nosuch\n'; } >&"${peer_fds[m2]}"
wait_for dropped m2
! grep -q 'id=evil' m2.heard || fail "the tail of a line was obeyed"
close_peer m2

# Somebody who is no master, or refuses: it says so once, and tries again.
listen_as m3
say m3 'HTTP/1.1 400 Bad Request'
wait_for dropped m3
close_peer m3
listen_as m4
say m4 'DM proto=1'
hear m4 'HELLO *'
say m4 'ERR code=exists msg=the%20name%20is%20taken'
wait_for dropped m4
close_peer m4
wait_for grep -q 'the name is taken' w1.log
listen_as m5
welcome m5
hear m5 'HEARTBEAT seq=*'
# A goodbye, on SIGTERM.
kill -TERM "${pids[w1]}"
hear m5 BYE
wait "${pids[w1]}" || fail "the worker ended with $?"
unset 'pids[w1]'
