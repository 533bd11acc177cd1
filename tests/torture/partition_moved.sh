#!/bin/bash
# As partition, but it lasts longer than --move-after: what may move goes on on the other host. When
# the network is back the superseded copy is stopped and the new one stays; a singleton's second
# copy begins only after the end of its first.
. "$(dirname "$0")/hosts_lib.sh"
app tick <<APP
trap 'exit 0' INT TERM
while :; do echo "\$DM_INSTANCE" >>"$dir/ticks.\$1"; sleep 0.05; done
APP
start_hosts --move-after 5s
dm copy apps/work
dm copy apps/tick
now_of() { "$DM_BIN_DM" --connect "$control" events -n 10000 | sed -n "s/.* \([a-z]*\.[0-9]*\) on w2 replaces=$1 of w1.*/\1/p"; }
moved() { fresh=$(now_of "$1") && [[ -n $fresh ]] && is_alive "$fresh"; }
for kind in whole worker-deaf master-deaf; do
  launch --on w1 --on-lost move --restart always
  old=$launched
  launch --on w1 --on-lost stay --restart always
  stays=$launched
  dm launch tick --on w1 --on-lost move --singleton --lease 3s --restart always -- "$kind"
  single=$(sed -n 's/^\(tick\.[0-9]*\) .*/\1/p' out)
  old_pid=$(pid_of "$old") stay_pid=$(pid_of "$stays")
  wait_for test -s "ticks.$kind"
  cut_network "$kind"
  wait_for worker_is w1 lost
  wait_for moved "$single"
  second=$fresh
  wait_for moved "$old"
  fresh_pid=$(pid_of "$fresh")
  same "$(field ps "$fresh" worker)" w2
  lives "$old_pid" || fail "$kind: nobody can have stopped $old, but it has ended"
  same "$(now_of "$stays")" ''
  wait_for has_lasted 20
  worker_is w1 lost || fail "$kind: it is back too early"
  same "$(state_of "$old")" unknown
  mend_network "$kind"
  wait_for worker_is w1 up
  wait_for gone "$old_pid"
  wait_for is "$old" dead
  said="stopped, superseded by $fresh: SIGINT, exit code 0"
  same "$(reason_of "$old")" "$said"
  same "$(count_events "$old on w1: $said")" 1
  same "$(count_events "$fresh on w2 replaces=$old of w1")" 1
  same "$(count_events "$old on w1: ")" 1
  same "$(pid_of "$fresh")" "$fresh_pid"
  wait_for is_alive "$stays"
  same "$(pid_of "$stays")" "$stay_pid"
  wait_for is "$single" dead
  is_alive "$second" || fail "$second is $(state_of "$second")"
  # No line of the second stands before one of the first.
  same "$(uniq "ticks.$kind" | tr '\n' ' ')" "$single $second "
  expect_once
  dm kill tick
  dm stop work
done
same "$(living)" ''
