#!/bin/bash
# More orders for one worker than any buffer holds, 20 MB of them: the master's own backlog is no
# fault of the worker. All run, and other orders pass between; so does the failover of such.
. "$(dirname "$0")/lib.sh"
patience=90

start_master --heartbeat 3s --move-after 5s
start_worker w1
app long <<<'exec sleep 1000'
app short <<<'exec sleep 1000'
dm launch apps/short --on w1
long=$(printf '%050000d' 0)

timeout 280 "$DM_BIN_DM" --connect "$control" launch apps/long --count 400 --env "A=$long" \
  >long.out 2>long.err </dev/null &
peer_pids[launch]=$!
has_some() { (($({ "$DM_BIN_DM" --connect "$control" ps long 2>/dev/null || true; } | wc -l) > 5)); }
wait_for has_some
dm stop short.1
dm launch short --on w1
status=0
wait "${peer_pids[launch]}" || status=$?
unset "peer_pids[launch]"
cp long.out out
cp long.err err
same "$status" 0
alive() {  # APP WORKER: how many of them are
  { "$DM_BIN_DM" --connect "$control" ps "$1" 2>/dev/null || true; } |
    awk -v worker="$2" '$2 == worker && /(running|sleeping|disk-wait)/' | wc -l
}
all_alive() { (($(alive long w1) == 400)); }
wait_for all_alive
same "$(count_events ' worker-up  *worker w1')" 1
! grep -q 'does not read' master-*.log || fail "the worker was blamed for what the master had to say"

# The same as a failover: 90 of them at once, to a worker that has none of it yet.
app moved <<<'exec sleep 1000'
takes_them() {  # not while the machine is too busy for placement
  timeout 60 "$DM_BIN_DM" --connect "$control" launch apps/moved --count 90 --restart always \
    --env "A=$long" >out 2>err </dev/null
}
wait_for takes_them
start_worker w2
stop_program w1 KILL || true
wait_for worker_is w1 lost
dm failover resume
all_moved() { (($(alive moved w2) == 90)); }
wait_for all_moved
worker_is w2 up
same "$(count_events ' worker-up  *worker w2')" 1
! grep -q 'does not read' master-*.log || fail "the worker was blamed for what the master had to say"
