#!/bin/bash
# When was that? -t writes the time before each line, --since leaves out what is older, both by the
# index beside the log.
. "$(dirname "$0")/lib.sh"

app talker <<'END'
echo early; printf 'begun '
until [ -e "$1" ]; do sleep 0.02; done
echo and ended; echo late
[ "$2" = ends ] || exec sleep 1000
END
start_master
start_worker w1
dm copy apps/talker
dm launch talker --on w1 -- "$dir/go"
# The first part has its mark, and its second has passed, before the second part comes.
first_part_is_marked() { tail -n 1 w1/logs/talker.1.1.times 2>/dev/null | grep -q '^12 '; }
wait_for first_part_is_marked
parted=$(date +%s%3N)
later() { (($(date +%s%3N) - parted >= 2500)); }
wait_for later
# A last line that has no end yet is as old as its bytes.
dm logs talker.1 --since 1s
same "$(cat out)" ''
"$DM_BIN_DM" --connect "$control" logs talker.1 -f -t >followed &
follower=$!
wait_for says followed '*Z early'
touch go
wait_for says followed '*Z late'
dm logs talker.1 -t
cmp followed out
expect_lines 3
time_at() { date -d "$(sed -n "$1s/ .*//p" out)" +%s%3N; }
[[ $(sed 's/^[0-9-]*T[0-9:.]*Z //' out) == $'early\nbegun and ended\nlate' ]] || fail "other lines"
first=$(time_at 1) second=$(time_at 2) third=$(time_at 3)
((first <= parted)) || fail "early comes late"
((first <= second && second <= parted)) || fail "a line has the time of its beginning"
((third >= parted + 2500)) || fail "late comes early"

# --since: what is older is left out, but no line is torn.
ago() { echo "$(($(date +%s%3N) - $1))ms"; }
dm logs talker.1 --since "$(ago $((parted + 1000)))"
same "$(cat out)" $'begun and ended\nlate'
dm logs talker.1 --since 1h
same "$(cat out)" $'early\nbegun and ended\nlate'
dm logs talker.1 --since 1h -n 1
same "$(cat out)" late
dm logs talker.1 --since 0s
same "$(cat out)" ''
dm_fails 2 logs talker.1 --since yesterday

# The end of a run has its time too, and keeps it.
dm kill talker.1
wait "$follower"
dm launch talker --on w1 -- "$dir/go" ends
wait_for is talker.2 dead
dm logs talker.2 -t
cp out before
wait_for later
dm logs talker.2 -t
cmp before out
expect_lines 3
