#!/bin/bash
# The supervisor may die by kill -9, alone or with its agent: the apps go on under the same pids and
# obey as before; how what ended meanwhile has ended nobody knows, and so it is said, once.
. "$(dirname "$0")/lib.sh"

app work <<'EOF'
trap 'exit 0' INT
(sleep 1000 &) # double-forked: it must end with the rest
echo ready
while :; do sleep 0.05; [ ! -e "$1" ] || exit 5; done
EOF

supervisor_pid() {
  { grep -lsz -e '^--supervise$' /proc/[0-9]*/cmdline || true; } |
    { xargs -r grep -lsz -e "^$dir/w1\$" || true; } | cut -d/ -f3
}
kill_supervisor() {
  local pid
  pid=$(supervisor_pid)
  kill -KILL "$pid"
  wait_for gone "$pid"
}
has_supervisor() { [[ -n $(supervisor_pid) ]]; }
tree_of() { grep -lsz -e "^HOME=$dir/w1/work/$1\$" /proc/[0-9]*/environ || true; }
no_tree() { [[ -z $(tree_of "$1") ]]; }

for more in '' --no-cgroup; do
  start_master
  # shellcheck disable=SC2086  # one option or none
  start_worker w1 $more
  dm copy apps/work
  for end in "$dir/end1" "$dir/end2" never never; do dm launch work --on w1 -- "$end"; done
  dm launch work --on w1 --restart always -- "$dir/end5"
  for i in 1 2 3 4 5; do
    wait_for log_says "work.$i" ready
    pid[i]=$(pid_of "work.$i")
  done

  # Alone: its apps live on, and the agent finds another that takes them over.
  kill_supervisor
  wait_for has_supervisor
  for i in 1 2 3 4 5; do
    wait_for is_alive "work.$i"
    same "$(pid_of "work.$i")" "${pid[i]}"
    same "$(field ps "work.$i" run)" 1
  done
  touch "$dir/end1"
  wait_for is work.1 dead
  same "$(reason_of work.1 | cut -d';' -f1)" 'exit status unknown'
  same "$(field ps work.1 exit_code)" null
  wait_for no_tree work.1

  # With its agent: what ends while nobody looks is told of once.
  agent=${pids[w1]}
  kill -STOP "$agent" # or it would start another before it dies
  kill_supervisor
  stop_program w1 KILL || true
  touch "$dir/end2" "$dir/end5"
  wait_for gone "${pid[2]}"
  wait_for gone "${pid[5]}"
  rm "$dir/end5"
  # shellcheck disable=SC2086
  start_worker w1 $more
  wait_for is work.2 dead
  same "$(reason_of work.2 | cut -d';' -f1)" 'exit status unknown'
  same "$(count_events 'work.2 on w1: exit status unknown')" 1
  same "$(pid_of work.3)" "${pid[3]}"
  same "$(pid_of work.4)" "${pid[4]}"
  # The policy goes on.
  wait_for log_says work.5 ready
  same "$(field ps work.5 run)" 2
  same "$(count_events 'work.5 on w1: exit status unknown')" 1

  # What was taken over obeys, with all that it has forked.
  dm stop work.3
  expect_line '*stopped by operator: SIGINT, exit status unknown*'
  gone "${pid[3]}" || fail "work.3 is stopped, but lives"
  wait_for no_tree work.3
  dm kill work.4
  expect_line '*killed by operator: SIGKILL, exit status unknown*'
  gone "${pid[4]}" || fail "work.4 is killed, but lives"
  no_tree work.4 || fail "work.4 is killed, but something of it lives"
  dm start work.4
  same "$(field ps work.4 run)" 2
  dm stop all
  for i in 3 4 5; do no_tree "work.$i" || fail "something of work.$i lives"; done

  stop_program w1 || true
  "$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
  unset 'roots[w1]'
  stop_program master || true
  rm -rf "$dir/master" "$dir/w1" "$dir"/end*
done
