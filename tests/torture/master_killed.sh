#!/bin/bash
# The master is killed as it enters each system call that changes its state: of its start, of a
# command's way to the disk, of a file's, of a shortening of the journal. What got OK is known
# afterwards, the journal is whole, and the next life goes on.
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0  # which takes a tracer of its own
"$DM_KILLER" 1000000 "$dir" true >out 2>&1 || skip "nothing may be traced here: $(cat out)"

# A journal that is about to be shortened: commands that fail are recorded too.
long=$(printf 'x%.0s' {1..5000})
for app in one two three; do printf '#!/bin/sh\n# %s\n' "$app" >"apps/$app"; done
chmod 755 apps/*
start_master --history-max 64K
dm copy apps/one
dm_fails 3 stop "$long"
dm_fails 3 stop "$long"
stop_program master
! grep -qa '^SNAPSHOT ' master/journal || fail "it is shortened already"
cp -a master before

# N: a life of the master that ends with the Nth change. What got OK is in $acknowledged.
life() {
  rm -rf master
  cp -a before master
  acknowledged=one
  : >master.log
  "$DM_KILLER" "$1" "$dir/master/" "$DM_BIN_MASTER" --insecure --no-shell --history-max 64K \
    --listen 127.0.0.1:0 --state "$dir/master" >killer.log 2>master.log </dev/null &
  pids[master]=$!
  until says master.log 'dm-master: control on *'; do lives "${pids[master]}" || return 0; done
  tell copy apps/two && acknowledged+=' two'
  tell stop "$long" || true
  tell stop "$long" || true
  tell copy apps/three && acknowledged+=' three'
  # Until the shortening has ended, one way or the other.
  while lives "${pids[master]}" && { [[ -e master/journal.tmp ]] || ! is_shortened; }; do :; done
}
tell() { "$DM_BIN_DM" --connect "$dir/master/control.sock" "$@" >out 2>err; }
is_shortened() { grep -qa '^SNAPSHOT ' master/journal; }

# How many changes does a whole life have?
life 0
same "$acknowledged" 'one two three'
end_killer 0
calls=$(sed -n 's/^ended after \([0-9]*\) calls$/\1/p' killer.log)
((calls > 60)) || fail "only $calls changes were seen"

points=0 shortened=0
for ((n = 1; n <= calls - 1; n++)); do
  life "$n"
  # Threads come in another order each time, and batches with them: it may be a few calls less.
  end_killer 137 || { continue; }
  points=$((points + 1))
  if [[ -e master/journal ]]; then
    "$DM_BIN_MASTER" --check "$dir/master" >out 2>err || fail "$(cat killer.log): $(cat out err)"
    is_shortened && shortened=$((shortened + 1))
  fi
  start_master --history-max 64K
  for app in $acknowledged; do
    tell describe "app/$app" || fail "$(cat killer.log): $app is forgotten"
  done
  tell copy apps/three || fail "$(cat killer.log): the next life does not copy: $(cat err)"
  stop_program master || fail "$(cat killer.log): the next life ended with $?"
done
((points > calls * 3 / 4)) || fail "only $points of $calls points were reached"
((shortened > 0 && shortened < points)) || fail "it was shortened in $shortened of $points lives"
echo "$points points of $calls, shortened in $shortened"
