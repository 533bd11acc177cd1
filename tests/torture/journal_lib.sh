# shellcheck shell=bash
# tests/torture/journal_lib.sh - what the tests of damaged journals share: a master's state with a
# small journal in $dir/before, and what --check, a start and a refused start must say of a damaged
# one. Sourced, never run.
#
# A whole master is started on every 7th byte's damage, or with DM_TORTURE_FULL on every one's.
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

# A worker that runs an app and is gone; its journal is in before/worker, the app's pid in $pid.
leave_worker() {
  rm -rf master
  start_master
  start_worker w1
  dm launch apps/work --on w1
  pid=$(pid_of work.1)
  stop_program w1 || true
  cp w1/journal before/worker
}
