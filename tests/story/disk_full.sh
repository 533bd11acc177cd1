#!/bin/bash
# A worker's disk is full: `no-space`, nothing half done, the worker lives; with room it goes on.
. "$(dirname "$0")/lib.sh"
[[ $(id -u) == 0 ]] || skip "mounting a small disk takes root"
mkdir small
mount -t tmpfs -o size=4m dm-story "$dir/small" 2>err || skip "mount: $(cat err)"
# The supervisor must be gone before its disk.
end_story() {
  timeout 15 "$DM_BIN_WORKER" --root "$dir/small/w1" --stop-apps
  [[ -n ${pids[w1]:-} ]] && kill "${pids[w1]}" && wait "${pids[w1]}"
  unset 'pids[w1]' 'roots[w1]'
  umount -l "$dir/small"
}

start_master
roots[w1]=$dir/small/w1
"$DM_BIN_WORKER" --insecure --master "127.0.0.1:$port" --name w1 --root "$dir/small/w1" \
  2>w1.log </dev/null >/dev/null &
pids[w1]=$!
wait_for worker_is w1 up
installed() { find small/w1/apps -mindepth 1; }
parts() { find small/w1/blobs -name '*.part'; }

# Seen beforehand: refused before a byte travels, with the figures.
{ printf '#!/bin/sh\n'; head -c 6000000 /dev/zero; } >apps/big
chmod 755 apps/big
dm_fails 1 copy apps/big --to w1
expect_error '*are needed in *'
talk "copy $dir/apps/big --to w1"
expect_line 'ERR no-space *'
same "$(installed)" ''
same "$(parts)" ''

# A small one goes in and runs.
printf '#!/bin/sh\nexec sleep 1000\n' >apps/tiny
chmod 755 apps/tiny
dm copy apps/tiny --to w1
dm launch tiny --on w1
pid=$(pid_of tiny.1)

# Full to the last byte: whatever is asked for is done or refused in words, never by halves.
cat /dev/zero >small/filler 2>err || true
printf '#!/bin/sh\n# other\nexec sleep 1000\n' >apps/other
chmod 755 apps/other
talk "copy $dir/apps/other --to w1"
expect_line 'ERR no-space *'
[[ ! -e small/w1/apps/other ]] || fail "half of it is there"
talk 'launch other --on w1'
expect_line 'ERR no-space *'
worker_is w1 up || fail "the worker is gone"
lives "$pid" || fail "the app is gone"

# With room again everything goes on, the stop as well.
is_low() { "$DM_BIN_DM" --connect "$control" workers 2>/dev/null | grep -q '^w1 .*disk-low'; }
has_room() { ! is_low; }
wait_for is_low
rm small/filler
wait_for has_room
dm copy apps/other --to w1
dm launch other --on w1
dm stop tiny.1
gone "$pid" || fail "it is stopped, but lives"
