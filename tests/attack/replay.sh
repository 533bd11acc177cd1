#!/bin/bash
# What was once true, said again: a handshake, a session, to the master and to the worker.
. "$(dirname "$0")/lib.sh"

start_master --heartbeat 200ms
start_worker honest

# A HELLO that an honest worker said to somebody who only wanted to hear it.
lie_in_wait trap
say trap "DM proto=1 nonce=$(printf '%032d' 7)"
begin_worker w1
hear trap 'HELLO *'
hello=$heard
stop_program w1
close_peer trap
via=
printf '%s\n' "$hello" 'HEARTBEAT seq=1' | timeout 20 nc -N 127.0.0.1 "$port" >out || true
expect_line 'ERR code=denied msg=not%20accepted*'
dm_fails 3 describe worker/w1

# In place of another's own: the HELLO of w2 on the connection of w3, and again on its own next one.
between "$port" 'up name=w2 HELLO keep' 'up name=w3 HELLO exchange'
start_worker w2
begin_worker w3
wait_for did 'up name=w3 HELLO exchange'
wait_for says w3.log '*refused: not accepted*'
wait_for worker_is w3 up
stop_program w2
stop_program w3
between "$port" 'up name=w2 HELLO#1 keep' 'down name=w2 BEAT#2 cut 0' 'up name=w2 HELLO#2 exchange'
begin_worker w2
wait_for did 'up name=w2 HELLO#2 exchange'
wait_for says w2.log '*refused: not accepted*'
wait_for worker_is w2 up

# The master's answer of an earlier connection is no answer to this one.
stop_program w2
between "$port" 'down name=w2 WELCOME#1 keep' 'down name=w2 BEAT#2 cut 0' \
  'down name=w2 WELCOME#2 exchange'
begin_worker w2
wait_for did 'down name=w2 WELCOME#2 exchange'
wait_for says w2.log '*the master did not prove that it holds the secret'
wait_for worker_is w2 up
worker_is honest up
same "$(count_events ' worker-up  worker honest')" 1
