#!/bin/bash
# A small journal, of the master and of a worker, cut at every byte and with one bit flipped at every
# byte. Cut: the start says so and goes on, with every record before the cut. Flipped: refused with
# the byte offset, and nothing is changed, or taken for a write that was cut, never silently wrong.
# What is refused --repair saves, and keeps a copy. The starts are every 7th byte's, or with
# DM_TORTURE_FULL every one's.
. "$(dirname "$0")/lib.sh"

app work <<'APP'
exec sleep 1000
APP
start_master
dm copy apps/work
dm_fails 3 launch nobody
stop_program master
cp -a master before
size=$(stat -c %s before/journal)
((size < 2000)) || fail "the journal is too big for this: $size bytes"
# Where each record begins.
mapfile -t begins < <(grep -abo -e '^[A-Z-]* ' before/journal | cut -d: -f1)
last=${begins[-1]}
find_begin() {  # of the record of $byte: $begin
  local at
  begin=0
  for at in "${begins[@]}"; do ((at > byte)) || begin=$at; done
}
# FILE: its bytes as numbers are $values.
read_bytes() { mapfile -t values < <(od -An -v -tu1 -w1 "$1" | tr -d ' '); }
full=${DM_TORTURE_FULL:-}
step=$((${#full} > 0 ? 1 : 7))  # not every damage is tried on a whole master

used=
put() {  # a state with this journal, from standard input
  [[ -z $used ]] || { rm -rf master; cp -a before master; }
  used=
  cat >master/journal
}
check() {  # STATUS PATTERN
  local status=0
  "$DM_BIN_MASTER" --check "$dir/master" >out 2>err || status=$?
  ((status == $1)) || fail "byte $byte: --check ended with $status: $(cat out err)"
  expect_line "$2"
}
# A start that is refused, and changes nothing.
refused() {  # PATTERN
  local status=0 was
  was=$(fingerprint master)
  timeout 20 "$DM_BIN_MASTER" --insecure --no-shell --listen 127.0.0.1:0 --state "$dir/master" \
    >out 2>err </dev/null || status=$?
  ((status == 111)) || fail "byte $byte: the start ended with $status"
  expect_error "$1"
  same "$(fingerprint master)" "$was"
}
# A start that says what it dropped, if anything, and goes on.
goes_on() {  # DROPPED
  local line='dm-master: *; the last write was cut, its '
  used=1
  start_master
  if (($1 > 0)); then
    says "$(master_log)" "$line$1 bytes are dropped" || fail "byte $byte: it drops $1 bytes and does not say so"
  else
    ! says "$(master_log)" "$line*" || fail "byte $byte: it says that it dropped something"
  fi
  dm copy apps/work --as again
  stop_program master
  "$DM_BIN_MASTER" --check "$dir/master" >out || fail "byte $byte: it left a bad journal"
  rm "$(master_log)"
}

# Cut.
for ((byte = 0; byte < size; byte++)); do
  find_begin
  head -c "$byte" before/journal | put
  if ((byte == 0 || byte == begin)); then
    check 0 '*: whole, *'
  else
    check 0 "*a write that was cut (no end of line at byte $begin, $((byte - begin)) bytes)*"
  fi
  ((byte % step > 0)) || goes_on $((byte - begin))
done

# Flipped.
torn=0
read_bytes before/journal
for ((byte = 0; byte < size; byte++)); do
  find_begin
  value=${values[byte]}
  bits=$((1 << byte % 8))
  [[ -z $full ]] || bits='1 2 4 8 16 32 64 128'
  for bit in $bits; do
    # shellcheck disable=SC2059  # the format is the byte
    { head -c "$byte" before/journal; printf "\\x$(printf %x $((value ^ bit)))"
      tail -c +$((byte + 2)) before/journal; } | put
    if "$DM_BIN_MASTER" --check "$dir/master" >out 2>err; then
      # What could have been cut: then the whole rest is gone, and no record of it is believed.
      expect_line "*a write that was cut (* at byte $begin, *"
      ((begin == last)) || fail "byte $byte: a record in the middle is taken for a write that was cut"
      torn=$((torn + 1))
      ((byte % step > 0)) || goes_on $((size - begin))
    else
      expect_line "* at byte $begin*"
      ((byte % step == 0)) || continue
      refused "dm-master: * at byte $begin; nothing was changed, *"
      cp master/journal damaged
      "$DM_BIN_MASTER" --repair "$dir/master" >out || fail "byte $byte: $(cat out)"
      cmp -s damaged master/journal.damaged-* || fail "byte $byte: the copy is not what was damaged"
      check 0 '*: whole, *'
      goes_on 0
    fi
  done
done
echo "$size bytes, $torn flips taken for a write that was cut"

# A worker's.
rm -rf master
start_master
start_worker w1
dm launch apps/work --on w1
pid=$(pid_of work.1)
stop_program w1 || true
size=$(stat -c %s w1/journal)
cp w1/journal before/worker
read_bytes before/worker
for ((byte = 0; byte < size; byte += size / 12)); do
  value=${values[byte]}
  # shellcheck disable=SC2059
  { head -c "$byte" before/worker; printf "\\x$(printf %x $((value ^ 2)))"
    tail -c +$((byte + 2)) before/worker; } >w1/journal
  was=$(fingerprint w1/journal w1/id w1/blobs w1/apps w1/work w1/logs)
  begin_worker w1
  ends_with w1 111
  says w1.log "dm-worker: $dir/w1/journal: * at byte *; nothing was changed*" ||
    fail "byte $byte: it does not say what is damaged"
  same "$(fingerprint w1/journal w1/id w1/blobs w1/apps w1/work w1/logs)" "$was"
  lives "$pid" || fail "byte $byte: the app has ended"
  rm w1.log
done
# Cut, it goes on.
head -c -5 before/worker >w1/journal
start_worker w1
says w1.log 'dm-worker: *; the last write was cut, its * bytes are dropped' || fail "it says nothing"
is_alive work.1
same "$(pid_of work.1)" "$pid"
