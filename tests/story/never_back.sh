#!/bin/bash
# Workers that never come back: what a policy had revived moves although the master died with its
# worker, and of one that is forgotten, hanging, everything is told.
. "$(dirname "$0")/lib.sh"

# Its first run crashes.
app twice <<'END_OF_APP'
trap 'exit 0' INT
[ "$DM_RUN" = 1 ] && [ "$DM_INSTANCE" = twice.1 ] && exit 9
while :; do sleep 0.1; done
END_OF_APP

second_run_lives() { is_alive twice.1 && [[ $(field ps twice.1 run) == 2 ]]; }
moved() { dm ps twice; says "$dir/out" "$1"; }

start_master --heartbeat 400ms --move-after 1s
start_worker w1
start_worker w2
start_worker w3
dm copy apps/twice
dm launch twice --on w1 --restart always --on-lost move
dm launch twice --on w1
wait_for second_run_lives
pid=$(pid_of twice.1)

# The master is killed, and w1 freezes before it is back.
stop_program master KILL || true
kill -STOP "${pids[w1]}"
start_master --heartbeat 400ms --move-after 1s
wait_for worker_is w1 lost
wait_for worker_is w2 up
wait_for worker_is w3 up
same "$(state_of twice.1)" unknown
same "$(reason_of twice.1)" 'worker w1 lost'
dm failover
expect_line 'waiting for known workers to come back'
dm failover resume
wait_for is_alive twice.3
dm failover
expect_line active

# Forgotten although its connection is open.
lives "$pid" || fail 'twice.1 should live on'
dm workers forget w1
expect_line 'twice.1: worker w1 was forgotten: exit status unknown'
expect_line 'twice.2: worker w1 was forgotten: exit status unknown'
expect_line 'worker w1 is forgotten'
dm history twice
expect_line '*twice.2*exit status unknown*'

# What is movable moves at once, whatever --move-after says.
stop_program master
start_master --heartbeat 400ms --move-after 60s
there=$(field ps twice.3 worker)
other=w2
[[ $there == w2 ]] && other=w3
wait_for worker_is "$there" up
wait_for worker_is "$other" up
kill -STOP "${pids[$there]}"
wait_for worker_is "$there" lost
dm workers forget "$there"
expect_line "twice.3 moves to $other as twice.4"
wait_for is_alive twice.4
