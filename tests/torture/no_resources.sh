#!/bin/bash
# A worker with 64 descriptors and one whose user may have no more processes; system calls that are
# interrupted again and again; a log on a full disk; files that may not grow.
. "$(dirname "$0")/lib.sh"
app work <<'APP'
echo begun
exec sleep 1000
APP
start_master

# 64 descriptors: many launches, none is lost without a word, and what runs is told truly.
(
  trap - EXIT ERR
  ulimit -n 64
  exec "$DM_BIN_WORKER" --insecure --master "127.0.0.1:$port" --name w1 --root "$dir/w1" \
    2>>w1.log </dev/null >/dev/null
) &
pids[w1]=$!
roots[w1]=$dir/w1
wait_for worker_is w1 up
dm copy apps/work
"$DM_BIN_DM" --connect "$control" launch work --on w1 --count 150 >out 2>err || true
settled() { ! "$DM_BIN_DM" --connect "$control" ps --all 2>/dev/null | grep -q ' starting '; }
wait_for settled
same "$("$DM_BIN_DM" --connect "$control" ps --all --json | wc -l)" 150
dm ps --json
running=$(wc -l <out)
real() { { grep -lsz -e "^HOME=$dir/w1/work/" /proc/[0-9]*/environ || true; } | wc -l; }
same "$running" "$(real)"
((running > 0)) || fail "not one of them runs"
# Meanwhile logs are read, all at once.
for ((i = 1; i <= 30; i++)); do "$DM_BIN_DM" --connect "$control" logs "work.$i" >"log.$i" 2>&1 & done
wait_for worker_is w1 up
dm stop all
same "$(real)" 0
same "$(count_events ' worker-lost ')" 0
echo "$running of 150 ran with 64 descriptors"
stop_program w1 || true
"$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
unset 'roots[w1]'
