#!/bin/bash
# Every failpoint, once: what fails is told in words, nothing acknowledged is lost, and what can go
# on goes on. A program that is installed knows nothing of them.
. "$(dirname "$0")/lib.sh"

for program in "$DM_BIN_MASTER" "$DM_BIN_WORKER" "$DM_BIN_DM"; do
  texts=(DM_FAIL)
  # A sanitizer keeps what nobody refers to.
  grep -qa __asan_init "$program" || texts+=(journal.sync blob.rename spawn.fork log.open log.index)
  for text in "${texts[@]}"; do
    ! grep -qaF "$text" "$program" || fail "$program holds '$text'"
  done
done
DM_FAIL=journal.sync:EIO,journal.write:EIO start_master
dm version
stop_program master || fail "a release obeys DM_FAIL"
rm -rf master
use_failing
app work <<'APP'
echo begun
exec sleep 1000
APP
status=0
DM_FAIL=journal.sync:EOHNO "$DM_BIN_MASTER" --insecure --no-shell --listen 127.0.0.1:0 \
  --state "$dir/master" 2>err </dev/null || status=$?
same "$status" 100
expect_error 'DM_FAIL: not POINT:ERROR*'

# The journal cannot be written or synced, from the Nth command on: what got OK is there after it,
# and what got none was never performed.
for point in journal.write:ENOSPC journal.write:EIO journal.sync:EIO; do
  for nth in 2 3 5; do
    rm -rf master apps/w*-*
    DM_FAIL="$point@$nth+" start_master
    acknowledged=
    for i in 1 2 3 4 5 6; do
      cp apps/work "apps/w-$i"
      if "$DM_BIN_DM" --connect "$control" copy "apps/w-$i" >out 2>err; then
        acknowledged+=" w-$i"
      else
        break
      fi
    done
    ends_with master 111
    says "$(master_log)" 'dm-master: *nothing more can be promised, ending' || fail "it does not say why"
    start_master
    for name in $acknowledged; do dm describe "app/$name"; done
    same "$(wc -w <<<"$acknowledged")" "$((nth - 2))"
    stop_program master
    "$DM_BIN_MASTER" --check "$dir/master" >out
    expect_line '*: whole, *'
  done
done

# The new journal does not get the old one's name: the old one goes on.
rm -rf master
DM_FAIL=journal.rename:EIO@1 start_master --history-max 1M
told() { says "$(master_log)" 'dm-master: cannot shorten the journal: rename *; it goes on as it is'; }
fill_until() {  # CONDITION...: commands, until it holds
  local i
  for ((i = 0; i < 200; i++)); do
    ! "$@" || return 0
    printf 'kill nobody-%s\n' {1..300} | nc -NU "$control" >/dev/null
  done
  fail "in vain: $*"
}
fill_until told
is_shortened() { grep -qa '^JOURNAL .*snapshot=1' master/journal; }
! is_shortened || fail "it is shortened after all"
dm copy apps/work
fill_until is_shortened
stop_program master
start_master --history-max 1M
dm describe app/work

# The files' own: what does not arrive is told, leaves nothing, and arrives the next time.
stop_program master
rm -rf master
for point in blob.write:ENOSPC blob.write:EIO blob.sync:EIO blob.rename:EIO; do
  DM_FAIL=$point@1 start_master
  dm_fails 1 copy apps/work
  case $point in
    *ENOSPC) expect_error "*no space left in $dir/master/blobs*" ;;
    *) expect_error '*Input/output error*' ;;
  esac
  dm_fails 3 describe app/work
  dm copy apps/work
  DM_FAIL=$point@1 start_worker w1
  dm_fails 1 copy apps/work --to w1
  [[ ! -e w1/apps/work ]] || fail "half of it is there"
  dm copy apps/work --to w1
  dm launch work --on w1
  dm stop all
  stop_program master
  stop_program w1 || true
  "$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
  rm -rf master w1
done

# No log, no process: the launch fails with the reason, nothing runs, and the next one does. An app
# with a policy comes back by itself.
start_master
DM_FAIL=log.open:ENOSPC@1 start_worker w1
dm copy apps/work
dm_fails 1 launch work --on w1
expect_error '*open work.1.1: No space left on device*'
dm launch work --on w1
wait_for log_says work.2 begun
dm stop all
stop_program w1 || true
"$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
DM_FAIL=spawn.fork:EAGAIN@1,spawn.fork:ENOMEM@3 start_worker w1
dm_fails 1 launch work --on w1
expect_error '*fork: Resource temporarily unavailable*'
dm launch work --on w1 --restart always
wait_for log_says work.4 begun
kill -KILL "$(pid_of work.4)"
has_run_3() { [[ $(field ps work.4 run) == 3 ]] && is_alive work.4; }
wait_for has_run_3
dm stop all

# Connections that cannot be taken at once.
stop_program master
DM_FAIL=accept:EMFILE@1,accept:ENFILE@3,accept:EIO@5,accept:EINTR@7 start_master
wait_for worker_is w1 up
knocks() { "$DM_BIN_DM" --connect "$control" version >out 2>err; }
wait_for knocks
for i in 1 2 3 4 5; do wait_for knocks; done
