#!/bin/bash
# Numbers of processes come again. A stranger that has got the number of an app is not taken for it,
# whether the app's supervisor was killed before or has adopted it; no signal reaches it. In a pid
# namespace of its own, where the next number can be chosen (pid_namespaces(7)).
if [[ -z ${DM_OWN_PIDS:-} ]] && ((EUID == 0)) && unshare --pid --fork --mount-proc true 2>/dev/null; then
  DM_OWN_PIDS=1 exec unshare --pid --fork --kill-child --mount-proc bash "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"

[[ -n ${DM_OWN_PIDS:-} ]] || skip "only root can have a pid namespace of its own"
[[ -w /proc/sys/kernel/ns_last_pid ]] || skip "the next pid cannot be chosen here"

stranger=
end_story() { [[ -z $stranger ]] || kill -KILL "$stranger"; }

app work <<'EOF'
exec sleep 1000
EOF

supervisor_pid() {
  { grep -lsz -e '^--supervise$' /proc/[0-9]*/cmdline || true; } |
    { xargs -r grep -lsz -e "^$dir/w1\$" || true; } | cut -d/ -f3
}
# PID: a stranger gets this number, which must be free: a session leader, as an app is.
recycle() {
  local try
  for ((try = 0; try < 200; try++)); do
    echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
    setsid sleep 1001 </dev/null >/dev/null 2>&1 &
    stranger=$!
    ((stranger == $1)) && return
    kill "$stranger"
    wait "$stranger" 2>/dev/null || true
  done
  fail "pid $1 could not be had again"
}
end_stranger() {
  lives "$stranger" || fail "the stranger was hit by a signal"
  kill "$stranger"
  wait "$stranger" 2>/dev/null || true
  stranger=
}

start_master
for more in '' --no-cgroup; do
  # shellcheck disable=SC2086  # one option or none
  start_worker w1 $more
  dm copy apps/work
  dm launch work --on w1
  name=$(sed -n 's/^\([^ ]*\) .*/\1/p' out) pid=$(pid_of "$(cut -d' ' -f1 out)")

  # All of its parents die, then it: its number is another's when the next supervisor looks.
  kill -STOP "${pids[w1]}"
  kill -KILL "$(supervisor_pid)"
  stop_program w1 KILL || true
  kill -KILL "$pid"
  wait_for gone "$pid"
  recycle "$pid"
  # shellcheck disable=SC2086
  start_worker w1 $more
  wait_for is "$name" dead
  same "$(reason_of "$name")" 'exit status unknown'
  dm kill "$name"
  end_stranger

  # Adopted, and then dead: the number is another's before the operator kills it.
  dm start "$name"
  pid=$(pid_of "$name")
  former=$(supervisor_pid)
  kill -KILL "$former"
  wait_for gone "$former"
  adopted() { [[ -n $(supervisor_pid) ]] && is_alive "$name"; }
  wait_for adopted
  supervisor=$(supervisor_pid)
  kill -STOP "$supervisor"
  kill -KILL "$pid"
  wait_for gone "$pid"
  recycle "$pid"
  "$DM_BIN_DM" --connect "$control" kill "$name" >/dev/null 2>&1 &
  asker=$!
  kill -CONT "$supervisor"
  wait "$asker" || fail "kill ended with $?"
  same "$(state_of "$name")" dead
  end_stranger
  stop_program w1 || true
  "$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
done
unset 'roots[w1]'
