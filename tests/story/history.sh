#!/bin/bash
# Every run that ended is told of, exactly, for ever: by code and by signal, after kill -9 of the
# master, after its journal was shortened, after the app is gone. What is cut is counted.
. "$(dirname "$0")/lib.sh"

start_master
start_worker w1
app fails <<'END'
exit 3
END
app waits <<'END'
while :; do sleep 60; done
END

# What ps shows of the last run is what history has.
dm launch apps/fails --on w1
wait_for is fails.1 dead
dm launch apps/waits --on w1 --restart on-failure
first=$(pid_of waits.1)
kill -KILL "$first"
runs_again() { [[ $(field ps waits.1 run) == 2 ]] && is_alive waits.1; }
wait_for runs_again
dm stop waits.1
for key in worker run started_at ended_at exit_code signal core reason cpu_user_ms \
  cpu_system_ms max_rss_bytes; do
  same "$(field history fails "$key")" "$(field ps fails.1 "$key")"
done
same "$(field history fails exit_code)" 3
same "$(field history fails app)" fails
dm history waits --json
expect_json
expect_lines 2
expect_line "{\"instance\":\"waits.1\",\"app\":\"waits\",\"worker\":\"w1\",\"replaces\":null,\"run\":1,\"pid\":$first,*\"exit_code\":null,\"signal\":\"SIGKILL\",*"
expect_line '*"run":2,*"reason":"stopped by *'
dm history waits.1 -n 1
expect_line 'waits.1 * 2  w1 *'
expect_lines 2
dm history --since 1h --json
expect_lines 3
dm_fails 3 history nobody
expect_error '*no app or instance named nobody*'

# The master is killed: the same, to the byte.
dm events -n 1000 --json
cp out events
dm history --json
cp out before
stop_program master KILL || true
start_master
dm events -n 1000 --json
head -n "$(wc -l <events)" out | cmp events - || fail "the events are others after a restart"
dm history --json
cmp before out || fail "the history is another one after a restart"

# The app is deleted: its runs are not.
wait_for worker_is w1 up
dm delete fails
dm history fails
expect_line 'fails.1 * 1  w1 *Z * 3 *exit code 3'

# A worker that reports thousands of runs; the master keeps 64 KiB of them and counts the rest.
stop_program master || true
start_master --heartbeat 60s --history-max 64K
fake_worker flood
printf '#!/bin/sh\n' >apps/any
chmod 755 apps/any
dm launch apps/any --on flood &
launch=$!
hear flood 'PROBE *'
say flood "OK id=$(heard_field id)"
hear flood 'INSTALL *'
say flood "OK id=$(heard_field id) sent=1 there=0 bytes=10 elapsed_ms=1"
hear flood 'LAUNCH *'
say flood "OK id=$(heard_field id) pid=4711 run=1"
wait "$launch"

reported=0
report() {  # N: so many runs have ended
  local to=$((reported + $1))
  seq "$((reported + 1))" "$to" | sed 's/.*/EXITED instance=any.1 run=& seq=& pid=& started_ms=1000 ended_ms=2000 exit_code=0 reason=exit%20code%200/' >&"${peer_fds[flood]}"
  reported=$to
}
acknowledged() { grep -c '^ACK ' flood.heard || true; }
all_acknowledged() { (($(acknowledged) >= heard_before + $1)); }

heard_before=0
report 3000
wait_for all_acknowledged 3000
cut_is_counted() { dm history any --json; says err '*older runs were cut (--history-max 64 KiB)'; }
wait_for cut_is_counted
# Every run is either there or counted, the last ones are there. (Four others ended before.)
told() {
  dm history --json
  local cut
  cut=$(sed -n 's/^dm: \([0-9]*\) older runs* w.*/\1/p' err)
  echo $((${cut:-0} + $(wc -l <out)))
}
same "$(told)" 3003
dm history any --json -n 5
expect_lines 5
same "$(sed -n 's/.*"run":\([0-9]*\),.*/\1/p' out | tr '\n' ' ')" '2996 2997 2998 2999 3000 '
kept_is_small() { (($(du -sb "$dir/master/history" | cut -f1) < 64 * 1024 + 8192)); }
wait_for kept_is_small

# What is kept is looked at by --check, and what is damaged there is named; what a crash has left
# half written is swept.
stop_program master
close_peer flood
first=$(ls master/history | head -n 1)
cp "master/history/$first" whole
echo half >"master/history/00000000000000099999.tmp"
"$DM_BIN_MASTER" --check "$dir/master" >out
expect_line "$dir/master/history: * segments, 0 of them damaged, * records"
offset=$(grep -abo '^ENDED ' whole | sed -n '2s/:.*//p')
printf 'X' | dd of="master/history/$first" bs=1 seek="$((offset + 2))" conv=notrunc 2>err
status=0
"$DM_BIN_MASTER" --check "$dir/master" >out || status=$?
same "$status" 1
expect_line "$dir/master/history/$first: damaged: the checksum does not fit at byte $offset; *"
expect_line "$dir/master/history: * segments, 1 of them damaged, * records"
cp whole "master/history/$first"
start_master --heartbeat 60s --history-max 64K
[[ ! -e master/history/00000000000000099999.tmp ]] || fail "half a segment is kept"
fake_worker flood

# Killed at any moment of it: what was acknowledged is there or counted, and nothing twice.
for round in 1 2 3 4 5 6; do
  heard_before=$(acknowledged)
  report 1500
  wait_for all_acknowledged $((round * 200))
  stop_program master KILL || true
  close_peer flood
  "$DM_BIN_MASTER" --check "$dir/master" >out || fail "refused after kill -9: $(cat out)"
  start_master --heartbeat 60s --history-max 64K
  fake_worker flood
  least=$((reported - 1500 + round * 200 + 3))
  known=$(told)
  ((known >= least)) || fail "$known runs are told of, of $least that were acknowledged"
  dm history any --json
  same "$(sed -n 's/.*"run":\([0-9]*\),.*/\1/p' out | sort -n | uniq -d | wc -l)" 0
  # The worker reports again what nobody has acknowledged.
  reported=$(sed -n 's/.*"run":\([0-9]*\),.*/\1/p' out | tail -n 1)
  same "$known" $((reported + 3))
done
