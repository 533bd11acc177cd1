#!/bin/bash
# Every death is explained: its own end, its own fault, our stop or kill, somebody else's signal,
# an exec that failed; and what a dead program leaves behind is ended and named.
. "$(dirname "$0")/lib.sh"

app plain <<'END'
case $1 in
  code) exit "$2" ;;
  fault) kill -SEGV $$ ;;
  deaf) trap '' INT; echo ready; while :; do sleep 0.2; done ;;
  polite) trap 'exit 7' INT; echo ready; while :; do sleep 0.1; done ;;
  leaves)
    sleep 1000 & echo "$!"
    while [ "$(cat /proc/$!/comm)" != sleep ]; do :; done
    exit 4 ;;
  waits) echo ready; exec sleep 1000 ;;
esac
END

start_master
start_worker w1
dm copy apps/plain

launch() {  # ARG...: sets $name
  dm launch plain --on w1 -- "$@"
  name=$(awk '{ print $1 }' "$dir/out")
}
died_of() {  # PATTERN
  wait_for is "$name" dead
  # shellcheck disable=SC2053
  [[ $(reason_of "$name") == $1 ]] || fail "$name died of: $(reason_of "$name"), not of: $1"
}

launch code 3
died_of 'exit code 3'
same "$(field ps "$name" exit_code)" 3
same "$(field ps "$name" signal)" null
launch code 0
died_of 'exit code 0'

launch fault
died_of 'killed by SIGSEGV*'
same "$(field ps "$name" signal)" SIGSEGV

launch waits
wait_for log_says "$name" ready
kill -KILL "$(pid_of "$name")"
died_of 'killed by SIGKILL, not by dm*'
launch waits
wait_for log_says "$name" ready
kill -TERM "$(pid_of "$name")"
died_of 'killed by SIGTERM, not by dm*'

launch waits
wait_for log_says "$name" ready
dm stop "$name"
died_of 'stopped by operator: SIGINT, killed by SIGINT'
launch polite
wait_for log_says "$name" ready
dm stop "$name"
died_of 'stopped by operator: SIGINT, exit code 7'
launch waits
dm kill "$name"
died_of 'killed by operator: SIGKILL'

# One that ignores SIGINT is killed after the timeout, unless --no-kill.
launch deaf
wait_for log_says "$name" ready
dm_fails 1 stop "$name" --timeout 200ms --no-kill
expect_error '*has not ended within 200 ms*'
lives "$(pid_of "$name")" || fail "--no-kill killed it"
dm stop "$name" --timeout 200ms
expect_line "$name: ignored SIGINT for 200 ms, killed by SIGKILL"
died_of 'ignored SIGINT for 200 ms, killed by SIGKILL'

# The end of the main process ends the instance: what it leaves is ended too, and named.
launch leaves
died_of 'exit code 4; left behind and ended: sleep (*)'
read_log "$name"
gone "$(cat log)" || fail "the child that was left behind still lives"

# Exec failures carry the system's words; the instance is dead, and says so.
app missing <<<''
sed -i '1s,.*,#!/no/such/interpreter,' apps/missing
dm_fails 1 copy apps/missing
expect_error '*/no/such/interpreter, which this worker lacks (on worker w1)'
printf '#!%s/apps/vanishing\n' "$dir" >apps/bad
cp /bin/true apps/vanishing
chmod 755 apps/bad
dm copy apps/bad
rm apps/vanishing
dm_fails 1 launch bad --on w1
expect_error '*exec failed: No such file or directory (on worker w1)'
same "$(state_of bad.1)" dead
same "$(reason_of bad.1)" 'exec failed: No such file or directory'
cp /bin/true apps/vanishing
chmod 644 apps/vanishing
dm_fails 1 launch bad --on w1
expect_error '*exec failed: Permission denied*'

# Each death is one event, with its reason.
dm events -n 1000
expect_line '*plain.1 on w1: exit code 3'
same "$(count_events 'plain.1 on w1: exit code 3')" 1
