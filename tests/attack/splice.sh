#!/bin/bash
# Two sessions behind one man: a line of the one in the other, of one connection in the next, of a
# session in a bulk connection. Each is nobody's there.
. "$(dirname "$0")/lib.sh"

start_master --heartbeat 200ms
notice='a line is not what the peer sent'
more_events() { (($(count_events "$2") > $1)); }

# Of w1 in w2: w2's session ends, w1's does not.
between "$port" 'up name=w1 HEARTBEAT#3 keep' 'up name=w2 HEARTBEAT#3 splice'
start_worker w1
wait_for did 'up name=w1 HEARTBEAT#3 keep'
start_worker w2
wait_for did 'up name=w2 HEARTBEAT#3 splice'
wait_for more_events 0 "worker w2: $notice"
wait_for worker_is w2 up
same "$(count_events "worker w1: $notice")" 0
same "$(count_events ' worker-up  worker w1')" 1

# In place of it, and of the master's: the same number in the sequence, another worker.
stop_program w1
stop_program w2
between "$port" 'down name=w1 BEAT#1 keep' 'down name=w2 BEAT#1 exchange'
: >w2.log
begin_worker w1
wait_for did 'down name=w1 BEAT#1 keep'
begin_worker w2
wait_for did 'down name=w2 BEAT#1 exchange'
wait_for says w2.log "*no session with the master: $notice"
wait_for worker_is w2 up

# Of one worker's earlier session in its next: the same worker, number and key.
stop_program w1
: >w1.log
between "$port" 'up name=w1 INFO#1 keep' 'up name=w1 HEARTBEAT#2 cut 0' 'up name=w1 INFO#2 exchange'
begin_worker w1
wait_for did 'up name=w1 INFO#2 exchange'
cut_twice() { (($(grep -c 'no session with the master: connection closed' w1.log) == 2)); }
wait_for cut_twice
wait_for worker_is w1 up

# Of a session in a bulk connection.
printf '#!/bin/sh\nexec sleep 1000\n' >apps/work
chmod 755 apps/work
stop_program w1
between "$port" 'up name=w1 HEARTBEAT#1 keep' 'up as=bulk FETCH exchange'
start_worker w1
dm copy apps/work --to w1
did 'up as=bulk FETCH exchange' || fail "nobody meddled"
