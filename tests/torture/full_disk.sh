#!/bin/bash
# The master's disk is full in the middle of its work, its journal may not grow, a write is short: it
# stops acknowledging, says why, ends with 111; and in its next life everything is known that got OK.
. "$(dirname "$0")/lib.sh"
app work <<'APP'
exec sleep 1000
APP
long=$(printf 'x%.0s' {1..3000})
acknowledged=()
fill() {  # until the master is gone
  local i
  acknowledged=()
  for ((i = 1; i <= 60; i++)); do
    { cat apps/work; echo "# $i"; } >"apps/w-$i"
    chmod 755 "apps/w-$i"
    "$DM_BIN_DM" --connect "$control" copy "apps/w-$i" >out 2>err && acknowledged+=("w-$i")
    "$DM_BIN_DM" --connect "$control" launch nobody -- "$long" >out 2>err || true
    lives "${pids[master]}" || return 0
  done
  fail "it goes on for ever"
}
knows_all() {
  ((${#acknowledged[@]} > 0)) || fail "nothing got OK: this proves nothing"
  "$DM_BIN_MASTER" --check "$dir/master" >out || fail "$(cat out)"
  start_master
  for name in "${acknowledged[@]}"; do dm describe "app/$name"; done
  dm copy apps/work --as after
  stop_program master
}

# A file may have 40 KiB (RLIMIT_FSIZE): the last write is a short one.
: >master.log
(ulimit -f 40; trap - EXIT ERR; exec "$DM_BIN_MASTER" --insecure --no-shell --listen 127.0.0.1:0 \
  --state "$dir/master" 2>master.log </dev/null >/dev/null) &
pids[master]=$!
wait_for says master.log 'dm-master: control on *'
fill
ends_with master 111
says master.log 'dm-master: */journal: write: File too large; nothing more can be promised, ending' ||
  fail "it does not say why"
knows_all

[[ $(id -u) == 0 ]] || { echo "not told here: a small disk takes root"; exit 0; }
rm -rf master
mkdir master
mount -t tmpfs -o size=64k dm-story "$dir/master" 2>err || { echo "no mount: $(cat err)"; exit 0; }
end_story() { umount -l "$dir/master"; }
port=
start_master
fill
ends_with master 111
says "$(master_log)" 'dm-master: */journal: write: No space left on device; nothing more can be promised, ending' ||
  fail "it does not say why"
mount -o remount,size=1m "$dir/master"
knows_all
