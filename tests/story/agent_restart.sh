#!/bin/bash
# The agent may die by any signal: its apps go on under the same pids, what ended meanwhile is
# reported once, what was stopped stays stopped. SIGTERM leaves the apps alone too, and says so.
. "$(dirname "$0")/lib.sh"

app work <<'END'
trap 'exit 0' INT
echo ready
while :; do sleep 0.1; [ ! -e "$1" ] || exit 5; done
END

start_master
start_worker w1
dm copy apps/work
dm launch work --on w1 -- "$dir/end1"
dm launch work --on w1 -- "$dir/end2"
dm launch work --on w1 --restart always -- /nonexistent
dm launch work --on w1 -- /nonexistent
dm stop work.4
for i in 1 2 3; do wait_for log_says "work.$i" ready; done
pid1=$(pid_of work.1) pid2=$(pid_of work.2) pid3=$(pid_of work.3)

stop_program w1 KILL || true
wait_for worker_is w1 suspect
touch "$dir/end1"
wait_for gone "$pid1"
for pid in "$pid2" "$pid3"; do lives "$pid" || fail "$pid died with its agent"; done
start_worker w1
wait_for is work.1 dead
same "$(reason_of work.1)" 'exit code 5'
same "$(pid_of work.2)" "$pid2"
same "$(pid_of work.3)" "$pid3"
same "$(state_of work.4)" dead
for pid in "$pid2" "$pid3"; do lives "$pid" || fail "$pid did not survive the new agent"; done
same "$(count_events 'work.1 on w1: exit code 5')" 1

# Again, with nothing new to say: nothing is said twice.
stop_program w1 KILL || true
start_worker w1
same "$(pid_of work.2)" "$pid2"
same "$(count_events 'work.1 on w1: exit code 5')" 1
same "$(field ps work.1 exit_code)" 5

# What it took over it also commands.
dm stop work.3
gone "$pid3" || fail "work.3 is stopped, but lives"
touch "$dir/end2"
wait_for is work.2 dead
same "$(reason_of work.2)" 'exit code 5'

# SIGTERM: the agent leaves, the apps go on; --stop-apps ends them and the supervisor.
dm start work.3
pid3=$(pid_of work.3)
stop_program w1 TERM || fail "the agent ended with $?"
says w1.log 'dm-worker: leaving; 1 app goes on' || fail "it did not say what goes on"
wait_for worker_is w1 left
lives "$pid3" || fail "the app ended with its agent"
"$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err || fail "--stop-apps ended with $?"
gone "$pid3" || fail "--stop-apps left the app"

# With an agent: that one ends too, with status 0.
start_worker w1
dm launch work --on w1 --restart always -- /nonexistent
pid=$(pid_of work.5)
"$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
gone "$pid" || fail "--stop-apps left the app"
agent=${pids[w1]}
unset 'pids[w1]'
wait "$agent" || fail "the agent ended with $?"
same "$(grep -c 'has stopped every app and ends' w1.log)" 1
dm events -n 1000
expect_line '*exited  work.5 on w1: stopped, dm-worker --stop-apps: SIGINT, exit code 0'
# The next one, with a supervisor of its own, starts again what is wanted.
start_worker w1
wait_for is_alive work.5
same "$(state_of work.1)" dead
