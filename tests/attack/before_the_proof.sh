#!/bin/bash
# Verbs of somebody who has proved nothing: not one has an effect, whatever stands around it.
. "$(dirname "$0")/lib.sh"

start_master --control "$dir/master/control.sock" --control 127.0.0.1:0
start_worker w1
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log)
app work <<'END'
exec sleep 1000
END
dm launch apps/work --on w1
pid=$(pid_of work.1)
id=$(cat w1/id)
throw() { printf '%s\n' "$@" | timeout 20 nc -N 127.0.0.1 "$to" >out || true; }

to=$port
for line in 'INFO os=x' 'SYNCED' 'HEARTBEAT seq=1' 'EXITED seq=1 instance=work.1 run=1 exit_code=3' \
  'INSTANCE instance=work.1 state=dead run=1' 'BYE' 'OK id=1' 'ERR id=1' 'PROGRESS id=1' \
  'FETCH sha256=x' 'STREAM id=1' 'CHUNK n=1' 'END' 'RUN id=1 arg=kill arg=all' 'WELCOME' 'DM proto=1'; do
  throw "$line" "HELLO proto=1 name=w1 id=$id" "$line"
  expect_line 'ERR code=bad-line *'
  throw "HELLO proto=1 name=w1 id=$id" "$line"
  expect_line 'ERR code=denied msg=not%20accepted*'
  throw "HELLO proto=1 name=w1 id=$id as=bulk" "$line"
  expect_line 'ERR code=denied msg=not%20accepted*'
  expect_no_line 'WELCOME*'
  expect_lines 2
done
throw "HELLO proto=1 name=w1 id=$id as=control key=admin.1" 'RUN id=1 arg=kill arg=all'
expect_line 'ERR code=denied *'
throw 'HELLO proto=2 name=w1' 'BYE'
expect_line 'ERR code=bad-arg *proto=1'
{ printf 'HELLO proto=1 name=w1 pad='; head -c 2000 /dev/zero | tr '\0' x; printf '\nBYE\n'; } |
  timeout 20 nc -N 127.0.0.1 "$to" >out || true
expect_line 'ERR code=too-long *'

to=$tcp
for line in 'kill all' 'RUN id=1 arg=kill arg=all' 'PUT id=1 sha256=x size=1' 'HAVE id=1' 'CANCEL id=1' \
  'POST / HTTP/1.1' 'HEARTBEAT seq=1'; do
  throw "$line" 'HELLO proto=1 name=ann as=control' 'kill all'
  expect_line 'ERR code=bad-line *'
  throw 'HELLO proto=1 name=ann as=control' "$line"
  expect_line 'ERR code=denied msg=not%20accepted*'
  expect_lines 2
done

worker_is w1 up
same "$(pid_of work.1)" "$pid"
lives "$pid" || fail "somebody without a key has killed the app"
same "$(count_events ' worker-up ')" 1
same "$(count_events ' command .*kill')" 0
(($(count_events ' turned away ') > 0)) || fail "no event tells of it"
dm version
expect_line '[0-9]* peers were turned away since the start'
