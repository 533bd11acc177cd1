#!/bin/bash
# Uploads that never end: of the very file that somebody else copies, and so many that there would
# be no thread left. Everybody else's copies go on; who is too slow is told so, and hung up on.
. "$(dirname "$0")/lib.sh"
secret=  # a netcat has no seals
patience=60  # half a minute is a slow peer's due

start_master --control "$dir/master/control.sock" --control 127.0.0.1:0
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log)
start_worker w1
for name in first second third; do app "$name" <<<"exec sleep 1000 # $name"; done
copy() {  # ENDPOINT NAME: within a time in which no slow peer is given up
  timeout 15 "$DM_BIN_DM" --connect "$1" copy "apps/$2" >out 2>err </dev/null ||
    fail "copy $2 ended with $?: $(cat err)"
  expect_line 'w1: 1 file sent, 0 already there, *'
}

# One that brings a byte a second.
open_peer slow 127.0.0.1 "$tcp"
say slow 'HELLO proto=1 as=control name=ann'
hear slow WELCOME
say slow "PUT id=1 sha256=$(printf '%064d' 7) size=1000000"
trickle() {
  trap - EXIT ERR
  # shellcheck disable=SC2261  # >& of a number is no file for both
  while printf x; do sleep 1; done >&"${peer_fds[slow]}" 2>/dev/null
}
trickle &
peer_pids[trickle]=$!

# One that stops in the middle of what another has, too.
open_peer thief 127.0.0.1 "$tcp"
say thief 'HELLO proto=1 as=control name=ann'
hear thief WELCOME
say thief "PUT id=1 sha256=$(sha256sum apps/first | cut -c1-64) size=$(stat -c %s apps/first)" '#!/b'
wait_for test -e "master/blobs/tmp/$(sha256sum apps/first | cut -c1-64).part"
copy "$control" first

# As many as an address may have, each with a byte now and then.
crowd() {
  local i fd
  local fds=()
  trap - EXIT ERR
  set +e
  for ((i = 0; i < 250; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$tcp" || break
    printf 'HELLO proto=1 as=control name=ann\nPUT id=1 sha256=%064d size=1000000\n' "$i" >&"$fd"
    read -r <&"$fd" && read -r <&"$fd" && fds+=("$fd")  # DM, WELCOME
  done 2>/dev/null
  echo "came ${#fds[@]}" >"$dir/crowd.log"
  while sleep 10; do
    for fd in "${fds[@]}"; do printf x >&"$fd"; done
  done 2>/dev/null
}
: >crowd.log
crowd &
peer_pids[crowd]=$!
wait_for says crowd.log 'came 250'
copy "$control" second

hear slow 'ERR id=1 code=timeout msg=the%20upload%20came%20more%20slowly%20than*'
wait_for dropped slow
kill "${peer_pids[crowd]}"
wait "${peer_pids[crowd]}" 2>/dev/null || true
unset 'peer_pids[crowd]'
copy "127.0.0.1:$tcp" third
stays_small master
