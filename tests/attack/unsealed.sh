#!/bin/bash
# Lines that slip in behind an honest HELLO, before the master has answered it: they carry no seal,
# so they are nobody's.
. "$(dirname "$0")/lib.sh"
need strace

start_master
between "$port" 'up HELLO behind BYE'
# The master's WELCOME waits for the journal while this command is being made durable.
strace -f -qq -p "${pids[master]}" -e trace=fdatasync -e inject=fdatasync:delay_enter=2000000 \
  2>strace.log &
pids[strace]=$!
traced() { grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/${pids[master]}/status"; }
wait_for traced
dm workers revoke nobody &
command=$!
wait_for grep -qs fdatasync strace.log
begin_worker w1
wait_for did 'up HELLO behind BYE'
wait "$command"
stop_program strace || true
wait_for worker_is w1 up
same "$(count_events ' worker-left ')" 0
