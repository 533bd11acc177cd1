#!/bin/bash
# A worker's journal has lost what it knew of an app that runs, and is mended: the agent takes the
# process up as the supervisor has it, so that it is listed and stopped as before, and nothing of it
# runs twice.
. "$(dirname "$0")/lib.sh"

mkdir runs
app work <<APP
echo \$\$ >>$dir/runs/\$DM_INSTANCE.\$DM_RUN
exec sleep 1000
APP
start_master
start_worker w1
dm copy apps/work
dm launch work --restart always
dm launch work
first=$(pid_of work.1) second=$(pid_of work.2)

# NAME: no record speaks of it any more. The worker does not run.
forget() {
  sed -i "s/^INSTANCE instance=$1 /INSTENCE instance=$1 /" w1/journal
  "$DM_BIN_WORKER" --repair "$dir/w1" >out
  expect_line '*kept * record*; lost 1 line of *'
  : >w1.log
}
running() { grep -lsz -e "^HOME=$dir/w1/work/" /proc/[0-9]*/environ | cut -d/ -f3 | sort -n | xargs || true; }

stop_program w1 || true
forget work.1
start_worker w1
wait_for is_alive work.1
same "$(pid_of work.1)" "$first"
says w1.log '*no record speaks of run 1 of work.1, which the supervisor knows: it is kept, *' ||
  fail "the agent says nothing"
same "$(count_events 'has no record of it')" 0
dm_fails 1 start work.1
stop_program w1 KILL || true
start_worker w1
wait_for is_alive work.1
same "$(pid_of work.1)" "$first"

dm stop work.1
gone "$first" || fail "it is stopped, but lives"
same "$(running)" "$second"
# With the launch its policy is back.
dm start work.1
same "$(field ps work.1 run)" 2
kill -KILL "$(pid_of work.1)"
third() { is_alive work.1 && [[ $(field ps work.1 run) == 3 ]]; }
wait_for third
same "$(running)" "$(printf '%s\n' "$second" "$(pid_of work.1)" | sort -n | xargs)"

# It has ended meanwhile: the supervisor knows how.
stop_program w1 || true
kill -USR1 "$second"
forget work.2
start_worker w1
wait_for is work.2 dead
same "$(reason_of work.2)" 'killed by SIGUSR1, not by dm'
is_alive work.1 || fail "work.1 has ended"

# Both its start and its end are lost: whether it began nobody knows, so it is not begun again.
app once <<APP
echo \$\$ >>$dir/runs/\$DM_INSTANCE.\$DM_RUN
APP
dm launch apps/once
wait_for is once.1 dead
stop_program w1 || true
sed -i 's/^\(STARTED\|EXITED\)\( .*instance=once.1 \)/LOST\2/; s/^STARTED instance=once.1 /LOST instance=once.1 /' w1/journal
"$DM_BIN_WORKER" --repair "$dir/w1" >out
expect_line '*kept * record*; lost 2 lines of *'
start_worker w1
wait_for worker_is w1 up
dm launch once
wait_for is once.2 dead
dm stop all
same "$(running)" ""
for run in runs/*; do
  (($(wc -l <"$run") <= 1)) || fail "${run#runs/} has run twice"  # or was killed before it wrote
done
