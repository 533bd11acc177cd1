#!/bin/bash
# Apps that double-fork, that ignore SIGINT, that flood their log; and a pid that belongs to a
# stranger by the time of the stop.
. "$(dirname "$0")/lib.sh"
for more in '' --no-cgroup; do
  start_master --heartbeat 1s
  # shellcheck disable=SC2086
  start_worker w1 $more
  app forker <<'APP'
trap 'exit 0' INT
for i in 1 2 3; do (setsid sh -c 'trap "" INT TERM; sleep 1000 & exec sleep 1000' &); done
echo ready
while :; do sleep 0.05; done
APP
  app deaf <<'APP'
trap '' INT
echo ready
while :; do sleep 1000; done
APP
  app flood <<'APP'
exec yes 'a line of a flood, which says nothing but goes on for ever'
APP
  for name in forker deaf flood; do dm copy "apps/$name"; done
  dm launch forker --on w1
  dm launch deaf --on w1
  dm launch flood --on w1 --log-max 1M
  wait_for log_says forker.1 ready
  wait_for log_says deaf.1 ready
  tree_of() { grep -lsz -e "^HOME=$dir/w1/work/$1\$" /proc/[0-9]*/environ || true; }
  forked() { (($(tree_of forker.1 | wc -l) >= 7)); }
  wait_for forked
  dm stop forker.1
  same "$(tree_of forker.1)" ''
  dm stop deaf.1 --timeout 1s
  expect_line '*ignored SIGINT for 1 s, killed by SIGKILL*'
  same "$(tree_of deaf.1)" ''
  dm kill flood.1
  same "$(tree_of flood.1)" ''
  small_again() { (($(du -ks w1/logs | cut -f1) < 4096)); }
  wait_for small_again
  same "$(count_events ' worker-lost ')" 0
  stop_program w1 || true
  "$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
  unset 'roots[w1]'
  stop_program master || true
  rm -rf master w1
done
