#!/bin/bash
# A singleton never runs twice: its worker's supervisor kills it when no word comes from the master,
# be it that the agent is frozen or that the master is gone; another begins only after that.
. "$(dirname "$0")/lib.sh"

app tick <<'END'
trap 'exit 0' INT TERM
while :; do echo "$DM_INSTANCE.$DM_RUN" >>"$1"; sleep 0.05; done
END

start_master --move-after 1s
start_worker w1
start_worker w2
dm copy apps/tick
dm launch tick --singleton --lease 3s --restart always -- "$dir/ticks"
first=$(field ps tick.1 worker)
pid=$(pid_of tick.1)
wait_for grep -q tick.1 "$dir/ticks"
dm_fails 1 launch tick
expect_error '*tick must not run twice*'
dm_fails 2 launch tick --lease 3s
expect_error '*is for a --singleton*'
dm_fails 2 launch tick --singleton --count 2
expect_error '*no --count*'

# The agent is frozen: no beat, no word, no lease.
kill -STOP "${pids[$first]}"
wait_for gone "$pid"
wait_for grep -q tick.2 "$dir/ticks"
second=$(field ps tick.2 worker)
[[ $second != "$first" ]] || fail "tick.2 is on $second again"
kill -CONT "${pids[$first]}"
wait_for worker_is "$first" up
wait_for is tick.1 dead
[[ $(reason_of tick.1) == *'its lease was over'* ]] || fail "tick.1: $(reason_of tick.1)"
lives "$(pid_of tick.2)" || fail 'tick.2 died of the return of its worker'
# No line of the second stands before one of the first.
same "$(uniq "$dir/ticks" | tr '\n' ' ')" 'tick.1.1 tick.2.1 '

# The master is gone, and back: the same instance goes on, on the same worker, in its next run.
pid=$(pid_of tick.2)
stop_program master KILL || true
wait_for gone "$pid"
start_master --move-after 1s
wait_for worker_is "$second" up
wait_for grep -q tick.2.2 "$dir/ticks"
same "$(uniq "$dir/ticks" | tr '\n' ' ')" 'tick.1.1 tick.2.1 tick.2.2 '

# With its supervisor it dies at once.
wait_for is_alive tick.2
pid=$(pid_of tick.2)
supervisor=$(ps -o ppid= -p "$pid" | tr -d ' ')
kill -KILL "$supervisor"
wait_for gone "$pid"
