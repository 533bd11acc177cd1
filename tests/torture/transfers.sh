#!/bin/bash
# A file on its way to a worker: the connection is cut at every 10 % of it, then a byte is another,
# then its size. What has the final name is whole and verified; what was cut goes on where it ended.
. "$(dirname "$0")/lib.sh"
DM_MITM=${DM_MITM:-$build/tests/dm-mitm}
# RULE...: a man in the middle whom w1 dials.
between() {
  : >man.log
  "$DM_MITM" "$port" "$@" >man.log 2>&1 &
  pids[man]=$!
  wait_for says man.log 'port *'
  via=$(sed -n 's/^port //p' man.log)
}
did() { says man.log "did $1"; }
alone() {  # the worker and the man go
  stop_program w1 || true
  "$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
  stop_program man || true
  rm -rf w1
  dm workers forget w1
}
whole() {  # on the worker: what has a blob's name is the blob, and nothing else lies around
  local blob
  for blob in w1/blobs/??/*; do
    [[ ! -e $blob ]] || same "$(sha256sum <"$blob" | cut -d' ' -f1)" "${blob##*/}"
  done
  same "$(find w1/blobs/tmp -type f)" ''
}

{ printf '#!/bin/sh\nexit 0\n'; head -c 1000000 /dev/urandom; } >apps/big
chmod 755 apps/big
size=$(stat -c %s apps/big)
sum=$(sha256sum <apps/big | cut -d' ' -f1)
start_master
dm copy apps/big
# What travels first is the manifest.
for part in 0 1 2 3 4 5 6 7 8 9; do
  rule="down as=bulk OK#2 cut $((size * part / 10 + 20))"
  between "$rule"
  start_worker w1
  dm copy apps/big --to w1
  did "$rule" || fail "nobody cut it"
  [[ -e w1/blobs/${sum:0:2}/$sum ]] || fail "it has not arrived"
  whole
  dm launch big --on w1
  wait_for is big.$((part + 1)) dead
  same "$(field ps "big.$((part + 1))" --all exit_code)" 0
  alone
done

for rule in "down as=bulk OK#2 flip-body 500000" "down as=bulk OK#2 flip 9" "down as=bulk OK#2 flip 14"; do
  between "$rule"
  start_worker w1
  # Once refused, it is fetched again, or the copy fails and says so.
  if ! "$DM_BIN_DM" --connect "$control" copy apps/big --to w1 >out 2>err; then
    wait_for worker_is w1 up
    dm copy apps/big --to w1
  fi
  did "$rule" || fail "nobody did it: $rule"
  whole
  [[ -e w1/blobs/${sum:0:2}/$sum ]] || fail "it has not arrived"
  alone
done
