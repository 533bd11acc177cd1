#!/bin/bash
# As many exits as the machine gives for 10 s: orphans of an app, which the supervisor must reap, and
# runs of an app that ends at once. No zombie stays, no worker is lost, every exit is counted once.
# The rates are printed, not judged.
. "$(dirname "$0")/lib.sh"
start_master --heartbeat 1s
start_worker w1
supervisor=$(supervisor_pid w1)

dm copy "$DM_ORPHANS" --as orphans
dm launch orphans --on w1 -- 4
wait_for is orphans.1 dead
read_log orphans.1
made=$(sed -n 's/^made \([0-9]*\)$/\1/p' log)
((made > 0)) || fail "it made none: $(cat log)"
no_zombie() { ! ps -o stat= --ppid "$supervisor" | grep -q '^Z'; }
wait_for no_zombie
echo "orphans: $made in 4 s, $((made / 4)) a second"

# Runs that end at once: each is recorded, reported, counted.
launched=0 begin=$(date +%s%N)
while (($(date +%s%N) - begin < 6000000000)); do
  dm launch orphans --on w1 --count 500 -- 0
  launched=$((launched + 500))
done
ended() { "$DM_BIN_DM" --connect "$control" ps orphans --all --json | grep -c '"state":"dead".*"exit_code":3,'; }
all_ended() { (($(ended) == launched)); }
wait_for all_ended
took=$((($(date +%s%N) - begin) / 1000000))
dm history orphans --json -n 100000
same "$(grep -c '"exit_code":3' out)" "$launched"
wait_for no_zombie
echo "runs: $launched in $took ms, $((launched * 1000 / took)) a second"
same "$(count_events ' worker-lost ')" 0
same "$(count_events ' worker-up ')" 1
