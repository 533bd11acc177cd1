#!/bin/bash
# Whatever arrives at the workers' port: its sender is answered and dropped, nobody else notices.
. "$(dirname "$0")/lib.sh"

start_master
start_worker w1
app work <<'END'
exec sleep 1000
END
dm launch apps/work --on w1
pid=$(pid_of work.1)
open_peer ctl -U "$control"

# Sends standard input and the end of it; what comes back is in $dir/out.
throw() { timeout 20 nc -N 127.0.0.1 "$port" >"$dir/out" || true; cat >/dev/null; }
no_harm() {
  say ctl version
  hear ctl ' dm *'
  hear ctl OK
  worker_is w1 up || wait_for worker_is w1 up
  lives "$pid" || fail "the app is gone"
  same "$(count_events '  worker-up  worker w1')" 1
}

# Over-long lines: their tail is never a line of its own, before HELLO (1 KiB) and after (64 KiB).
{ head -c 2000 /dev/zero | tr '\0' x; printf '\nHELLO proto=1 name=evil\nHEARTBEAT seq=1\n'; } | throw
expect_line 'ERR code=too-long *'
expect_no_line 'WELCOME*'
{
  printf 'HELLO proto=1 name=evil\n'
  head -c 70000 /dev/zero | tr '\0' x
  printf '\nHEARTBEAT seq=1\n'
} | throw
expect_line 'WELCOME *'
expect_line 'ERR code=too-long *'
dm_fails 3 describe evil
no_harm

# NUL, garbage, another protocol, a verb before HELLO.
printf 'HELLO proto=1 name=evil\0\n' | throw
expect_line 'ERR code=bad-line *'
printf 'HELLO proto=1 name=evil\nHEARTBEAT seq=1 \0\n' | throw
expect_line 'ERR code=bad-line *'
printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | throw
expect_line 'ERR code=bad-line *'
printf 'HEARTBEAT seq=1\nHELLO proto=1 name=evil\nHEARTBEAT seq=2\n' | throw
expect_line 'ERR code=bad-line *'
expect_no_line 'WELCOME*'
for seed in 1 2 3 4 5; do
  head -c 20000 /dev/urandom | throw
  { printf 'HELLO proto=1 name=evil\n'; head -c 200000 /dev/urandom; } | throw
done
dm_fails 3 describe evil
no_harm

# Hands on other people's things: bulk connections of nobody, and of w1, for what is not theirs.
id=$(cat w1/id)
printf 'HELLO proto=1 name=nobody as=bulk\nFETCH sha256=%064d\n' 0 | throw
expect_line 'ERR code=denied *'
for request in "FETCH sha256=$(sha256sum apps/work | cut -c1-64)" 'FETCH sha256=../../journal' \
  'FETCH' 'FETCH sha256=x offset=-1' 'STREAM id=1' 'STREAM' 'CHUNK n=99999999999' 'NONSENSE'; do
  printf 'HELLO proto=1 name=w1 id=%s as=bulk\n%s\n' "$id" "$request" | throw
  expect_line 'WELCOME*'
  expect_line 'ERR *code=*'
done
printf 'HELLO proto=1 name=w1 id=%032d\nHEARTBEAT seq=1\n' 0 | throw
expect_line 'ERR code=exists *'
no_harm

# A valid session, cut at every byte.
session=$'HELLO proto=1 name=cut id=0123456789abcdef0123456789abcdef\r\nINFO os=L arch=x cpus=2 label=a=b
INSTANCE instance=work.1 state=up run=1 pid=1\nSYNCED\nHEARTBEAT seq=1 cpu=1.5 mem_used=1 mem_total=2
EXITED seq=1 instance=work.1 run=1 exit_code=3 reason=x%20y\nOK id=1\nPROGRESS id=1 done=1 total=2\nBYE\n'
for ((i = 0; i <= ${#session}; i++)); do
  printf '%s' "${session:0:i}" | throw
done
wait_for worker_is cut left
same "$(pid_of work.1)" "$pid"
is_alive work.1 || fail "another worker reported the death of work.1, and was believed"
no_harm

# A flood of valid lines, and one of connections.
{ printf 'HELLO proto=1 name=flood\n'; seq 300000 | sed 's,.*,HEARTBEAT seq=&,'; } | throw &
flood=$!
for ((i = 0; i < 5; i++)); do no_harm; done
wait "$flood"
crowd=()
for ((i = 0; i < 100; i++)); do
  nc -d 127.0.0.1 "$port" >/dev/null &
  crowd+=($!)
done
no_harm
nobody_waits() { for one in "${crowd[@]}"; do gone "$one" || return 1; done; }
wait_for nobody_waits  # without a HELLO within 5 s they are sent away

# A peer that asks and never reads is dropped before its answers fill the memory.
deafen "$port" 'HELLO proto=1 name=deaf' "NONSENSE id=$(printf '%0200d' 0)" &
peer_pids[deaf]=$!
no_harm
wait_for gone "${peer_pids[deaf]}"
no_harm
stays_small master
