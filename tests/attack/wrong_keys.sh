#!/bin/bash
# Keys that do not fit: one answer to all of them, counted, logged without a byte of a key; whoever
# holds the right one notices nothing.
. "$(dirname "$0")/lib.sh"

start_master --control "$dir/master/control.sock" --control 127.0.0.1:0
start_worker honest
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log)
make_key other.key --worker other
make_key ann.key --control ann --role viewer
hex_of() { sed 's/.* //' "$1"; }

# A key file that is none is not even tried.
bad_file() {  # NAME REASON
  local status=0
  chmod 600 "$dir/$1.key"
  timeout 20 "$DM_BIN_WORKER" --master "127.0.0.1:$port" --name "$1" --root "$dir/$1" \
    --secret-file "$dir/$1.key" 2>"$dir/err" </dev/null || status=$?
  same "$status" 111
  expect_error "$2"
  ! grep -qF "$(hex_of other.key)" err || fail "the key stands in the error"
}
: >empty.key
bad_file empty '*key file*empty.key: not a dm key*'
head -c -3 other.key >cut.key
bad_file cut '*key file*cut.key: not a dm key*'
cp other.key theirs.key
bad_file theirs '*is not the key of a worker named theirs'
cp "$secret" master.key
bad_file master "*is the master's secret*"
cp ann.key ann2.key
bad_file ann2 '*is not the key of a worker named ann2'

# Forged ones reach the master, which says the same to each.
forged() {  # NAME KEY-LINE
  echo "$2" >"$1.key"
  chmod 600 "$1.key"
  begin_worker "$1"
  wait_for says "$1.log" '*no session with the master: refused: not accepted*'
  stop_program "$1"
  unset "roots[$1]"
  dm_fails 3 describe "worker/$1"
}
forged w1 "dm-worker w1 1 $(hex_of other.key)"                # another worker's
forged w2 "dm-worker w2 1 $(hex_of ann.key)"                  # an operator's
forged w3 "dm-worker w3 1 $(printf '%064d' 0)"                # no key at all
make_key w4.good --worker w4 --generation 2
forged w4 "dm-worker w4 1 $(hex_of w4.good)"                  # of another generation
"$DM_BIN_DM" keygen second >/dev/null
"$DM_BIN_DM" keygen --worker w5 --secret-file second w5.good >/dev/null
forged w5 "$(cat w5.good)"                                    # of another cluster
dm version
expect_line '[1-9]* peers were turned away since the start'

# The same for operators: a viewer's key under a higher role, a worker's key, another name.
remote() { "$DM_BIN_DM" --connect "127.0.0.1:$tcp" --secret-file "$1" "${@:2}" >out 2>err; }
remote ann.key ps || fail "the viewer's own key does not open"
forged_remote() {  # KEY-LINE
  echo "$1" >forged.key
  chmod 600 forged.key
  ! remote forged.key workers || fail "a forged key opens"
  expect_error '*not accepted*'
}
forged_remote "dm-control ann admin 1 $(hex_of ann.key)"
forged_remote "dm-control bob viewer 1 $(hex_of ann.key)"
forged_remote "dm-control other admin 1 $(hex_of other.key)"
forged_remote "dm-control ann viewer 1 $(printf '%064d' 0)"
! "$DM_BIN_DM" --connect "127.0.0.1:$tcp" workers >out 2>err || fail "no key opens"
! remote other.key workers || fail "a worker's key opens the control endpoint"

# Every refusal, whichever it was, is one and the same line.
for hello in 'key=worker.1' 'key=worker.1 nonce=00' 'key=admin.1' 'key=nonsense' 'key=worker.-1' \
  "key=worker.1 nonce=$(printf '%032d' 1) proof=$(printf '%064d' 1)" \
  "key=worker.999999999999999999999 nonce=$(printf '%032d' 1) proof=x" ''; do
  printf 'HELLO proto=1 name=honest id=%s %s\n' "$(cat honest/id)" "$hello" | sed 's/ $//' |
    timeout 20 nc -N 127.0.0.1 "$port" >out || true
  expect_line 'ERR code=denied msg=not%20accepted*'
  expect_lines 2
done
wait_for says "$(echo master-*.log)" '*turned away w[1-5] from 127.0.0.1:*: its key worker.1 was made with another secret*'

# On the master's side it is told what was wrong, to whoever looks there.
told() {  # NAME WHY: begins that worker until the log says so
  begin_worker "$1"
  wait_for says "$(echo master-*.log)" "*turned away $1 from 127.0.0.1:*: $2*"
  stop_program "$1"
  unset "roots[$1]"
}
echo "dm-worker w6 1 $(hex_of honest.key)" >w6.key
chmod 600 w6.key
told w6 'its key worker.1 is that of honest, not its own'
dm workers revoke w7
told w7 'its key worker.1 is revoked; the least generation is 2'
for key in "$secret" *.key *.good; do
  [[ $key == empty.key || $key == forged.key ]] && continue
  ! grep -qF "$(hex_of "$key")" ./*.log master/journal out err || fail "$key stands in a log"
done
worker_is honest up
same "$(count_events ' worker-up  worker honest')" 1
