#!/bin/bash
# The master's disk is full: what does not fit is refused and leaves nothing, the journal goes on in
# its reserve, and a master that was killed there starts again.
. "$(dirname "$0")/lib.sh"
[[ $(id -u) == 0 ]] || skip "mounting a small disk takes root"
mkdir -m 700 master
mount -t tmpfs -o size=24m dm-story "$dir/master" 2>err || skip "mount: $(cat err)"
# The master must be gone before its disk.
end_story() {
  [[ -n ${pids[master]:-} ]] && kill "${pids[master]}" && wait "${pids[master]}"
  unset 'pids[master]'
  umount -l "$dir/master"
}

start_master --control "$dir/control.sock" --control 127.0.0.1:0
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log)
start_worker w1
for name in small other; do app "$name" <<<"exec sleep 1000 # $name"; done
dm launch apps/small --on w1
used() { find master/blobs -type f | wc -l; }
before=$(used)

# More than there is room for, brought up or opened by the master itself.
{ echo '#!/bin/sh'; head -c 40000000 /dev/urandom; } >apps/big
chmod 755 apps/big
dm_fails 1 copy apps/big
expect_error '*no files below 5 %*'
talk "copy $dir/apps/big"
expect_line 'ERR no-space *'
same "$(used)" "$before"

# Full to the last byte.
cat /dev/zero >master/filler 2>err || true
dm_fails 1 copy apps/other
expect_error '*the master*s disk is nearly full*'
for ((i = 0; i < 20; i++)); do dm launch small --on w1; done
dm stop small.1
same "$(used)" "$before"

# Killed there, with half an upload: the reserve carries it over the start as well.
part=master/blobs/tmp/$(printf '%064d' 0).part
rm master/filler
cat /dev/zero >"$part" 2>err || true
stop_program master KILL || true
start_master --control "$dir/control.sock" --control 127.0.0.1:0
[[ ! -e $part ]] || fail "half an upload outlived the start"
wait_for worker_is w1 up
same "$(state_of small.1)" dead
is_alive small.21 || fail "what was recorded on the full disk is lost"
dm copy apps/other
expect_line 'w1: *'
