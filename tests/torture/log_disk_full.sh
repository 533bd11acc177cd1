#!/bin/bash
# An app fills the disk of its worker with its log: it gets ENOSPC and goes on, the worker lives,
# what was written is read back byte for byte, and with room again more is written. Then what dm
# itself keeps beside the logs cannot be written: the index of times, the shortening.
. "$(dirname "$0")/lib.sh"
need_root 'mount a small disk'
mkdir small
mount -t tmpfs -o size=4m dm-story "$dir/small" 2>err || skip "mount: $(cat err)"
# The supervisor must be gone before its disk.
leave() {
  [[ -n ${pids[w1]:-} ]] || return 0
  stop_program w1 || true
  timeout 15 "$DM_BIN_WORKER" --root "${roots[w1]}" --stop-apps 2>err
  unset 'roots[w1]'
}
end_story() {
  leave
  umount -l "$dir/small"
}
start_master --heartbeat 500ms
roots[w1]=$dir/small/w1
"$DM_BIN_WORKER" --insecure --master "127.0.0.1:$port" --name w1 --root "$dir/small/w1" \
  --logs-total 1G 2>w1.log </dev/null >/dev/null &
pids[w1]=$!
wait_for worker_is w1 up

# Says in a file how many lines it has written whole, and in another one that it could not.
app writer <<'APP'
exec 2>/dev/null
echo begun
i=0
until [ -e "$1/end" ]; do
  if echo "line $i that is a little longer than it would have to be, so that the disk is full soon"; then
    i=$((i + 1))
  else
    echo $i >"$1/stuck"
    sleep 0.1
  fi
  [ -e "$1/go" ] || sleep 0.1
done
echo "$i" >"$1/written"
until echo "ended after $i"; do sleep 0.1; done
exec sleep 1000
APP
dm copy apps/writer --to w1
dm launch writer --on w1 --log-max 1G -- "$dir"
wait_for log_says writer.1 begun
pid=$(pid_of writer.1)
head -c 500k /dev/zero >small/filler
touch go
wait_for test -e stuck
# Without the line of the worker's own that stands first.
is_the_file() { dm logs writer.1 && tail -c +8 small/w1/logs/writer.1.1 | cmp -s out -; }
wait_for is_the_file
is_low() { "$DM_BIN_DM" --connect "$control" workers | grep -q '^w1 .*disk-low'; }
wait_for is_low
lives "$pid" || fail "the app has ended"
dm logs writer.1 -t
dm logs writer.1 -n 1
dm logs writer.1 --since 1h
dm_fails 1 launch writer --on w1
first=$(cat stuck)
((first > 100)) || fail "it wrote only $first lines before the disk was full"

# Room: it goes on, whatever is short of a line stays where it is.
rm small/filler
more() { [[ -e stuck ]] && (($(cat stuck) > first)); }
wait_for more
touch end
wait_for test -e written
mount -o remount,size=8m "$dir/small"
wait_for log_says_last writer.1 '.*ended after [0-9]*'
dm logs writer.1
is_the_file
cp out kept
written=$(cat written)
((written > first)) || fail "nothing was written with room again"
for i in 0 "$((first - 1))" "$first" "$((written - 1))"; do
  grep -q "line $i that is a little longer .* full soon\$" kept || fail "line $i is not there"
done
same "$(grep -o 'line [0-9]* that is a .* full soon$' kept | cut -d' ' -f2 | sort -n | uniq | wc -l)" "$written"
lives "$pid" || fail "the app has ended"
same "$(pid_of writer.1)" "$pid"
dm stop writer.1
same "$(count_events ' worker-suspect ')" 0
same "$(count_events ' worker-lost ')" 0
leave
echo "full after $first lines, $written in the end"
dm workers forget w1

# The index cannot be written, nor the log be shortened for a while: nothing else changes.
use_failing
app flood <<'APP'
seq -f 'line %08g of a log that is over its budget' 0 9999
touch "$1.full"
until [ -e "$1" ]; do sleep 0.02; done
echo done
exec sleep 1000
APP
seq -f 'line %08g of a log that is over its budget' 0 9999 >want
echo done >>want
run=0
for failing in log.index:ENOSPC,log.hole:EIO@1,log.hole:ENOSPC@2 \
  log.hole:EOPNOTSUPP,log.beside:ENOSPC@1,log.beside:EIO@2,log.index:EIO@1; do
  rm -rf w1 done done.full
  : >w1.log
  DM_FAIL=$failing start_worker w1
  dm copy apps/flood --to w1
  dm launch flood --on w1 --log-max 64K -- "$dir/done"
  run=$((run + 1))
  pid=$(pid_of "flood.$run")
  wait_for test -e done.full
  is_short() { (($(du -k "w1/logs/flood.$run.1" | cut -f1) <= 72)); }
  wait_for is_short
  touch done
  wait_for log_says_last "flood.$run" 'done'
  dm logs "flood.$run"
  expect_error 'dm: * bytes cut at offset 0'
  cut=$(sed -n 's/^dm: \([0-9]*\) bytes cut at offset 0$/\1/p' err)
  ((cut > 300000)) || fail "only $cut bytes were cut"
  tail -c "+$((cut + 1))" want | cmp - out || fail "these are other lines"
  dm logs "flood.$run" -t
  expect_line '*Z done'
  dm logs "flood.$run" --since 1h
  same "$(find w1/logs -name '*.tmp')" ''
  [[ $failing != log.index:ENOSPC,* ]] || same "$(cat "w1/logs/flood.$run.1.times")" ''
  lives "$pid" || fail "the app has ended"
  dm kill "flood.$run"
  leave
  dm workers forget w1
done
same "$(count_events ' worker-lost ')" 0
