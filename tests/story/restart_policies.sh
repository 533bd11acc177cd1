#!/bin/bash
# Policies: the first restart comes at once, the next ones after a growing pause; success ends
# `on-failure`; stopped means stopped.
. "$(dirname "$0")/lib.sh"

app runs <<'END'
echo "run $DM_RUN"
case $1 in
  dies) exit 1 ;;
  ends) [ "$DM_RUN" -lt 2 ] || exit 0; exit 1 ;;
  lives) exec sleep 1000 ;;
  then-lives) [ "$DM_RUN" -ge 2 ] || exit 1; exec sleep 1000 ;;
esac
END

start_master
start_worker w1
dm copy apps/runs

run_of() { field ps "$1" run; }
has_run() { (($(run_of "$1") >= $2)); }

# no: what is dead stays dead.
dm launch runs --on w1 -- dies
wait_for is runs.1 dead
same "$(run_of runs.1)" 1

# A failure is followed by the next run, and each run has a log of its own.
dm launch runs --on w1 --restart on-failure -- then-lives
wait_for has_run runs.2 2
wait_for is_alive runs.2
same "$(count_events 'runs.2 on w1: exit code 1')" 1
same "$(field ps runs.2 restarts)" 1
dm logs runs.2 --run 1
expect_line 'run 1'
dm logs runs.2
expect_line 'run 2'

# The second death within a minute waits: backoff, with the time of the next try.
# On a machine too slow to see it in time, it dies once more and waits twice as long.
backs_off() {
  talk 'ps runs.2'
  says out ' runs.2 * backoff *next try in *' && return
  is_alive runs.2 && kill -KILL "$(pid_of runs.2)"
  return 1
}
wait_for backs_off
runs=$(run_of runs.2)
wait_for has_run runs.2 "$((runs + 1))"
wait_for is_alive runs.2

# stop: no policy starts it again; nor does the agent's own restart.
dm stop runs.2
same "$(state_of runs.2)" dead
same "$(field ps runs.2 desired)" stopped
dm launch runs --on w1 --restart always -- dies
wait_for is runs.3 backoff
dm stop runs.3
same "$(state_of runs.3)" dead
stop_program w1 KILL || true
start_worker w1
wait_for worker_is w1 up
same "$(state_of runs.2)" dead
same "$(state_of runs.3)" dead
same "$(run_of runs.2)" "$((runs + 1))"

# on-failure ends with success; always does not.
dm launch runs --on w1 --restart on-failure -- ends
wait_for has_run runs.4 2
wait_for is runs.4 dead
same "$(reason_of runs.4)" 'exit code 0'
dm launch runs --on w1 --restart always -- ends
wait_for has_run runs.5 3
dm stop runs.5

# start gives it a new chance, and forgets the pauses.
dm start runs.2
wait_for is_alive runs.2
kill -KILL "$(pid_of runs.2)"
wait_for has_run runs.2 "$((runs + 3))"
wait_for is_alive runs.2
dm kill runs.2
same "$(state_of runs.2)" dead
