#!/bin/bash
# A worker that falls silent is lost within three intervals, by itself comes back, and then does
# what was asked of it meanwhile.
. "$(dirname "$0")/lib.sh"

app work <<'END'
trap 'exit 0' INT
echo ready
while :; do sleep 0.1; done
END

start_master --heartbeat 400ms
start_worker w1
start_worker w2
dm copy apps/work
dm launch work --on w1
dm launch work --on w1
dm launch work --on w1
for i in 1 2 3; do wait_for log_says "work.$i" ready; done
pid1=$(pid_of work.1) pid2=$(pid_of work.2)

kill -STOP "${pids[w1]}"
wait_for worker_is w1 lost
age=$(field describe worker/w1 heartbeat_age_ms)
# Three intervals, and what one question takes on a busy machine.
((age < 1200 + 800)) || fail "lost only after $age ms"
dm events -n 100
expect_line '*worker w1 is lost*'
same "$(field describe worker/w1 available)" false
same "$(state_of work.1)" unknown
same "$(reason_of work.1)" 'worker w1 lost'
wait_for worker_is w2 up

# What can be recorded is, and the answer says so; what cannot is refused.
dm_fails 1 stop work.1
expect_error '*will be done when w1 returns*'
talk 'kill work.2'
expect_line 'ERR lost *will be done when w1 returns*'
dm_fails 1 launch work --on w1
expect_error '*worker w1 is lost*'
dm_fails 1 logs work.1
dm_fails 1 copy apps/work --to w1
lives "$pid1" || fail "work.1 is not stopped yet"
dm launch work --on w2
expect_line 'work.4 w2 *'

kill -CONT "${pids[w1]}"
wait_for worker_is w1 up
wait_for gone "$pid1"
wait_for gone "$pid2"
wait_for is work.1 dead
wait_for is work.2 dead
wait_for is_alive work.3
same "$(reason_of work.1)" 'stopped by operator: SIGINT, exit code 0'
same "$(reason_of work.2)" 'killed by operator: SIGKILL'
dm stop work.3
dm events -n 100
expect_line '*worker w1 is up*'

# A connection that closes shows at once; a goodbye is no loss.
stop_program w1 KILL || true
wait_for worker_is w1 suspect
wait_for worker_is w1 lost
dm_fails 1 delete work --force
expect_error '*will be done when w1 returns*'
start_worker w1
wait_for count_is 0 find "$dir/w1/apps" -mindepth 1
stop_program w2
wait_for worker_is w2 left
