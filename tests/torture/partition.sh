#!/bin/bash
# The network between two hosts is gone for 20 s: both ways, then so that the worker hears nothing,
# then so that the master hears nothing. The apps go on; what ends meanwhile is told of once, and
# what was to be stopped is stopped when the worker is back.
. "$(dirname "$0")/hosts_lib.sh"
start_hosts --move-after 60s
dm copy apps/work
for kind in whole worker-deaf master-deaf; do
  launch --on w1
  stopped=$launched
  launch --on w1 --restart always
  fixed=$launched
  launch --on w1
  ends=$launched
  pid=$(pid_of "$fixed") end_pid=$(pid_of "$ends")
  cut_network "$kind"
  wait_for worker_is w1 lost
  dm_fails 1 launch work --on w1
  lives "$pid" || fail "$kind: an app has ended with the network"
  kill -KILL "$end_pid"
  dm_fails 1 stop "$stopped"
  expect_error '*when w1 returns*'
  wait_for has_lasted 20
  worker_is w1 lost || fail "$kind: it is back too early"
  mend_network "$kind"
  wait_for worker_is w1 up
  wait_for is "$ends" dead
  same "$(reason_of "$ends" | cut -d';' -f1)" 'killed by SIGKILL, not by dm'
  same "$(count_events "$ends on w1: killed by SIGKILL")" 1
  wait_for is_alive "$fixed"
  same "$(pid_of "$fixed")" "$pid"
  wait_for is "$stopped" dead
  expect_once
done
dm stop all
same "$(living)" ''
