#!/bin/bash
# A master whose journal is an old copy, with a number of starts long past or the very number that
# its workers know: it learns that from them, says so, and gives no orders until it is told to.
. "$(dirname "$0")/lib.sh"

app stay <<'EOF'
exec sleep 1000
EOF
start_master
start_worker w1
dm copy apps/stay
dm launch stay --on w1
pid=$(pid_of stay.1)
stop_program master

# Orders under three later starts, of which the copies know nothing, or not of the last.
for copy in long-ago lately; do
  cp -a master "$copy"
  [[ $copy == lately ]] && break
  for number in 2 3; do
    start_master
    wait_for worker_is w1 up
    dm launch stay --on w1
    stop_program master
  done
done
start_master
wait_for worker_is w1 up
dm stop stay.2
stop_program master

is_told() { says out "*$1*"; }
for copy in long-ago lately; do
  rm -rf master
  cp -a "$copy" master
  : >w1.log
  start_master
  log=$(ls -t master-*.log | head -n 1)
  wait_for says "$log" '*worker w1 has obeyed epoch 4-*: it is an old copy, and no orders are given; *'
  dm events -n 1000
  expect_line '*worker w1 has obeyed epoch 4-*: it is an old copy, *'
  wait_for says w1.log '*no session with the master: the master is not obeyed: its epoch *'
  lives "$pid" || fail "stay.1 has ended"
  stop_program master
done
says w1.log '*its epoch 4-* is not 4-*' || fail "the same number is no reason"

# Whoever means it says so, and is obeyed.
start_master --new-epoch
wait_for worker_is w1 up
dm stop stay.1
gone "$pid" || fail "it is stopped, but lives"
dm stop all
