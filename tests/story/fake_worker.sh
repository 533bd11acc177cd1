#!/bin/bash
# Netcat as a worker: two lines make one. Its states, its goodbye, its name that nobody else may
# take until it is forgotten, the order it gets and the end it reports.
. "$(dirname "$0")/lib.sh"

start_master --heartbeat 1s

# Exactly what the protocol's document says is enough.
open_peer fake 127.0.0.1 "$port"
hear fake 'DM proto=1 nonce=????????????????????????????????'
say fake 'HELLO proto=1 name=fake'
hear fake 'WELCOME cluster=???????????????????????????????? epoch=* heartbeat_ms=1000 missed=2*'
talk workers
expect_no_line ' fake *up*'
say fake 'HEARTBEAT seq=1'
wait_for worker_is fake up
dm workers
expect_line 'fake *up *127.0.0.1:* - * - * - *0'
hear fake 'BEAT seq=*'

# Silent: lost within three beats. It beats again: up.
wait_for worker_is fake lost
say fake 'HEARTBEAT seq=2 cpu=12.5 mem_used=50 mem_total=100'
wait_for worker_is fake up
same "$(field describe fake cpu_percent)" 12.5
same "$(field describe fake load)" 20.0

# Garbage in its figures is no figure.
say fake 'HEARTBEAT seq=3 cpu=nan mem_used=-5 mem_total=99999999999999999999999 load1=x'
say fake 'NONSENSE id=7'
hear fake 'ERR id=7 code=unknown-verb *'
worker_is fake up || fail "it is gone for a verb that nobody knows"

# Another id under its name is refused; the same one replaces the session.
open_peer other 127.0.0.1 "$port"
say other "HELLO proto=1 name=fake id=$(printf '%032d' 1)"
hear other 'ERR code=exists *workers%20forget%20fake*'
open_peer again 127.0.0.1 "$port"
say again 'HELLO proto=1 name=fake' 'INFO cpus=2' SYNCED 'HEARTBEAT seq=1 cpu=1 mem_used=1 mem_total=9'
hear again 'WELCOME *'
wait_for dropped fake
wait_for worker_is fake up
dm_fails 1 workers forget fake
expect_error '*connected*'

# It gets an order, answers it, reports the end; it speaks for its own instances only.
printf '#!/bin/sh\n' >apps/any
chmod 755 apps/any
dm launch apps/any --on fake &
launch=$!
hear again 'PROBE *'
say again "OK id=$(heard_field id)"
hear again 'INSTALL *'
say again "OK id=$(heard_field id) sent=1 there=0 bytes=10 elapsed_ms=1"
hear again 'LAUNCH *'
same "$(heard_field instance)" any.1
say again "OK id=$(heard_field id) pid=4711 run=1"
wait "$launch"
same "$(pid_of any.1)" 4711
reason='a%0areason%20with%1b[31m%20colour'
say again 'INSTANCE instance=any.1 state=sleeping run=1 pid=4711 started_ms=1700000000000'
say again "EXITED seq=1 instance=any.1 run=1 pid=4711 ended_ms=1700000001000 exit_code=3 reason=$reason"
hear again 'ACK seq=1'
wait_for is any.1 dead
dm ps --all
! grep -q $'\e' out || fail "a worker's control characters reach the terminal"
expect_lines 2
dm ps --all --json
expect_json
same "$(field ps any.1 ended_at)" 2023-11-14T22:13:21.000Z
# The same report again, after a lost ACK, is no second death.
say again "EXITED seq=1 instance=any.1 run=1 pid=4711 ended_ms=1700000001000 exit_code=3 reason=x"
hear again 'ACK seq=1'
same "$(count_events '  exited  any.1')" 1

# What it has is as it says: any name that no record knows is ignored, and told.
say again 'EXITED seq=2 instance=../../etc.1 run=1 reason=x' 'INSTANCE instance=nosuch.7 state=up run=1'
hear again 'ACK seq=2'
dm ps --all
expect_lines 2

# A goodbye, then it can be forgotten; its name is free.
say again BYE
wait_for worker_is fake left
close_peer again
dm workers forget fake
dm_fails 3 describe fake
open_peer third 127.0.0.1 "$port"
say third "HELLO proto=1 name=fake id=$(printf '%032d' 1)" 'HEARTBEAT seq=1'
hear third 'WELCOME *'
wait_for worker_is fake up

# Names and ids that are none.
for hello in 'name=../x' 'name=UPPER' 'name=all' 'name=' 'name=ok id=zz' 'proto=2 name=ok' \
  'name=ok as=control'; do
  [[ $hello == proto* ]] || hello="proto=1 $hello"
  open_peer bad 127.0.0.1 "$port"
  say bad "HELLO $hello"
  hear bad 'ERR code=*'
  wait_for dropped bad
  close_peer bad
done
worker_is fake up || fail "the others noticed"
