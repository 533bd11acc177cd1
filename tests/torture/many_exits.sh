#!/bin/bash
# As many exits as the machine gives for 10 s: orphans of an app, which the supervisor must reap,
# then runs of an app that ends at once. No zombie stays, no beat is missed, and every exit is
# counted once: the supervisor's own number is compared with what was made. The rates are printed,
# not judged.
. "$(dirname "$0")/lib.sh"
start_master --heartbeat 1s
start_worker w1
supervisor=$(supervisor_pid w1)
dm copy "$DM_ORPHANS" --as orphans
# With nothing alive the worker's own line is the only one.
reaped_is() { reaped=$(field usage reaped) && [[ $reaped == "$1" ]]; }
counted() {  # N
  local until=$((SECONDS + patience))
  until reaped_is "$1"; do
    ((SECONDS < until)) || fail "$1 have ended, and $reaped were counted"
    sleep 0.1
  done
}
no_zombie() { ! ps -o stat= --ppid "$supervisor" | grep -q '^Z'; }
# From the first on: the master itself keeps the last 10,000, and these come by the thousand.
"$DM_BIN_DM" --connect "$control" events -f -n 1000 >followed &
pids[follower]=$!
wait_for grep -q ' worker-up ' followed
no_beat_missed() {
  same "$(grep -c ' worker-suspect \| worker-lost ' followed || true)" 0
  same "$(grep -c ' worker-up ' followed)" 1
}
counted 0

seconds=10
dm launch orphans --on w1 -- $seconds
patience=$((patience + seconds)) wait_for is orphans.1 dead
read_log orphans.1
made=$(sed -n 's/^made \([0-9]*\)$/\1/p' log)
((made > 0)) || fail "it made none: $(cat log)"
wait_for no_zombie
counted $((made + 1))  # the app itself is one
no_beat_missed
echo "orphans: $made in $seconds s, $((made / seconds)) a second, all of them counted"

# Runs that end at once: each is recorded, reported, counted.
launched=0 begin=$(date +%s%N)
while (($(date +%s%N) - begin < 6000000000)); do
  dm launch orphans --on w1 --count 500 -- 0
  launched=$((launched + 500))
done
ended() { "$DM_BIN_DM" --connect "$control" history orphans --json -n 100000 | grep -c '"exit_code":3'; }
all_ended() { (($(ended) == launched)); }
wait_for all_ended
took=$((($(date +%s%N) - begin) / 1000000))
dm history orphans --json -n 100000
same "$(grep -c '"exit_code":3' out)" "$launched"
wait_for no_zombie
# Counted twice, an orphan would show here at the latest.
counted $((made + 1 + launched))
no_beat_missed
echo "runs: $launched in $took ms, $((launched * 1000 / took)) a second"
