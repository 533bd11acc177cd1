#!/bin/bash
# A small journal, of the master and of a worker, cut at every byte: the start says so and goes on,
# with every record before the cut. Cut within its first line there is nothing to go on with.
. "$(dirname "$0")/journal_lib.sh"

for ((byte = 0; byte < size; byte++)); do
  find_begin
  head -c "$byte" before/journal | put
  if ((begin == 0)); then
    check 1 '* holds files of a master, but nothing is recorded in its journal; *'
    ((byte % step > 0)) || refused "*holds files of a master, but nothing is recorded in its journal; *"
    continue
  fi
  if ((byte == begin)); then
    check 0 '*: whole, *'
  else
    check 0 "*a write that was cut (no end of line at byte $begin, $((byte - begin)) bytes)*"
  fi
  ((byte % step > 0)) || goes_on $((byte - begin))
done

# A worker's.
leave_worker
head -c -5 before/worker >w1/journal
start_worker w1
says w1.log 'dm-worker: *; the last write was cut, its * bytes are dropped' || fail "it says nothing"
is_alive work.1
same "$(pid_of work.1)" "$pid"
