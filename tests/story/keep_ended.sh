#!/bin/bash
# An app that is launched and ends over and over leaves only so much: the latest instances of it stay
# with their logs, older ones go from the master and from their worker, and the history knows them all.
. "$(dirname "$0")/lib.sh"

start_master --keep-ended 3
start_worker w1
app ends <<'END'
echo "I am $DM_INSTANCE"
END
app waits <<'END'
while :; do sleep 60; done
END
dm launch apps/waits --on w1
dm launch apps/ends --on w1 --count 8
instances() {
  "$DM_BIN_DM" --connect "$control" ps ends --all --json |
    sed 's/.*"instance":"\([^"]*\)".*/\1/' | xargs
}
three_are_left() { [[ $(instances | wc -w) == 3 ]]; }
wait_for three_are_left

# Not at the worker either: no directory, no log, no record that would come back with it.
kept=$(instances)
same "$(cd "$dir/w1/work" && echo ends.*)" "$kept"
same "$(cd "$dir/w1/logs" && printf '%s\n' ends.* | cut -d. -f1,2 | sort -u | xargs)" "$kept"
kill -KILL "${pids[w1]}"
wait_for worker_is w1 lost
start_worker w1
same "$(instances)" "$kept"
same "$(count_events ' foreign ')" 0
is_alive waits.1 || fail "waits.1 does not live"

# The runs stay known, and what is asked for that is gone is told where.
dm history ends --json
expect_lines 8
for number in 1 2 3 4 5 6 7 8; do
  [[ " $kept " == *" ends.$number "* ]] || gone=ends.$number
done
dm_fails 3 logs "$gone"
expect_error "*$gone is gone; 'history $gone' says what is known of its runs"
says_so() { [[ $(count_events ' forgotten ') -ge 1 ]]; }
wait_for says_so

# Nor does a master bring them back that reads its journal again; the numbers go on.
kill -KILL "${pids[master]}"
start_master --keep-ended 3
wait_for worker_is w1 up
same "$(instances)" "$kept"
dm launch ends --on w1
expect_line 'ends.9 w1 *'
