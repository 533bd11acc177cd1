#!/bin/bash
# A small journal, of the master and of a worker, with one bit flipped at every byte, or with
# DM_TORTURE_FULL every bit of every byte: refused with the byte offset, and nothing is changed, or
# taken for a write that was cut, never silently wrong. What is refused --repair saves, and keeps a
# copy.
. "$(dirname "$0")/journal_lib.sh"

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
leave_worker
size=$(stat -c %s before/worker)
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
