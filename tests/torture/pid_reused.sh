#!/bin/bash
# In a pid namespace, where pids can be chosen: the supervisor and its app are killed, and a stranger
# has the app's pid before the next supervisor looks. No stop reaches the stranger.
. "$(dirname "$0")/lib.sh"
need_root 'make a pid namespace'
need unshare
if [[ ${1:-} != inside ]]; then
  unshare --pid --fork --mount-proc true 2>err || skip "no pid namespace: $(cat err)"
  DM_BUILD=$(cd "$build" && pwd) unshare --pid --fork --mount-proc bash "$here/$story.sh" inside
  exit
fi
[[ -w /proc/sys/kernel/ns_last_pid ]] || skip "pids cannot be chosen here"
for more in '' --no-cgroup; do
  app work <<'APP'
echo begun
exec sleep 1000
APP
  start_master
  # shellcheck disable=SC2086
  start_worker w1 $more
  dm copy apps/work
  dm launch work --on w1
  wait_for log_says work.1 begun
  pid=$(pid_of work.1)
  supervisor=$(supervisor_pid w1)
  kill -STOP "${pids[w1]}"  # or it would start another supervisor at once
  kill -KILL "$supervisor" "$pid"
  wait_for gone "$pid"
  reaped() { [[ ! -e /proc/$pid ]]; }
  wait_for reaped
  stranger=
  for ((i = 0; i < 100; i++)); do
    echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
    sleep 1000 &
    stranger=$!
    ((stranger == pid)) && break
    kill "$stranger"
    wait "$stranger" 2>/dev/null || true
  done
  ((stranger == pid)) || skip "the pid could not be had again"
  kill -CONT "${pids[w1]}"
  wait_for is work.1 dead
  same "$(reason_of work.1 | cut -d';' -f1)" 'exit status unknown'
  dm kill work.1
  dm stop work.1
  lives "$stranger" || fail "a stranger was killed"
  kill "$stranger"
  wait "$stranger" 2>/dev/null || true
  stop_program w1 || true
  "$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
  unset 'roots[w1]'
  stop_program master
  rm -rf master w1
done
