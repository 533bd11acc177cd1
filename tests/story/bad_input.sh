#!/bin/bash
# State directories that are not as they should be: a clear line, status 111, nothing overwritten,
# and the way out that the README gives leads out.
. "$(dirname "$0")/lib.sh"

# FILE...: what they hold. A lock says nothing.
fingerprint() {
  find "$@" ! -name lock -printf '%p %y %m\n' -type f -exec sha256sum {} + 2>/dev/null | sort
}
# PATTERN DIRECTORY PROGRAM ARG...: refused, and the directory is as it was.
refuses() {
  local pattern=$1 directory=$2 status=0 was
  shift 2
  was=$(fingerprint "$directory")
  timeout 20 "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
  ((status == 111)) || fail "$* ended with $status, not 111"
  expect_error "$pattern"
  same "$(fingerprint "$directory")" "$was"
}
# PATTERN DIRECTORY [WHAT]: of it at least WHAT is as it was.
master() {
  refuses "$1" "${3:-$2}" "$DM_BIN_MASTER" --insecure --no-shell --listen 127.0.0.1:0 --state "$2"
}
worker() {
  refuses "$1" "${3:-$2}" "$DM_BIN_WORKER" --insecure --master "127.0.0.1:$port" --name w1 --root "$2"
}
check() {  # STATUS PATTERN DIRECTORY [PROGRAM]
  local status=0
  "${4:-$DM_BIN_MASTER}" --check "$3" >out 2>&1 || status=$?
  ((status == $1)) || fail "--check ended with $status"
  expect_line "$2"
}
check_worker() { check "$@" "$DM_BIN_WORKER"; }
repair() {  # STATUS PATTERN DIRECTORY [PROGRAM]: nothing is changed
  local status=0 was
  was=$(fingerprint "$3")
  "${4:-$DM_BIN_MASTER}" --repair "$3" >out 2>&1 || status=$?
  ((status == $1)) || fail "--repair ended with $status"
  expect_line "$2"
  same "$(fingerprint "$3")" "$was"
}
repair_worker() { repair "$@" "$DM_BIN_WORKER"; }

app work <<'APP'
exec sleep 1000
APP
start_master
start_worker w1
dm launch apps/work --on w1 --restart always
pid=$(pid_of work.1)

# Two of them on one.
master "dm-master: $dir/master is in use by another process ${pids[master]}" "$dir/master"
worker "dm-worker: $dir/w1 is in use by another process ${pids[w1]}" "$dir/w1"
stop_program w1 || true
stop_program master
cp -a master kept
cp -a w1/journal kept-journal
end_apps() { "$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err; }

# From a newer version: nobody can mend that here.
newer='JOURNAL format=99 kind=master seq=0 len=29 crc=9e8c805c'
echo "$newer" >master/journal
master '*/master/journal: format 99, this version reads format 2 at byte 0; nothing was changed*' "$dir/master"
check 1 '*format 99, this version reads format 2 at byte 0*newer version*' "$dir/master"
expect_no_line '*--repair*'
refuses '*format 99*nothing was changed*' "$dir/master" "$DM_BIN_MASTER" --repair "$dir/master"
echo "${newer/master/worker}" >w1/journal
sed -i 's/crc=.*/crc=cd974df8/' w1/journal
worker '*/w1/journal: format 99, this version reads format 2 at byte 0; nothing was changed*' "$dir/w1"
check_worker 1 '*format 99, this version reads format 2 at byte 0*newer version*' "$dir/w1"
refuses '*format 99*nothing was changed*' "$dir/w1" "$DM_BIN_WORKER" --repair "$dir/w1"
cp kept-journal w1/journal

# Somebody else's: a worker's, a stranger's.
rm -rf master
mkdir master
cp kept-journal master/journal
master "*/master/journal: a journal of kind 'worker', not 'master' at byte 0; nothing was changed*" "$dir/master"
check 1 "*a journal of kind 'worker', not 'master'*" "$dir/master"
refuses "*kind 'worker'*nothing was changed*" "$dir/master" "$DM_BIN_MASTER" --repair "$dir/master"
echo 'Dear diary' >master/journal
master '*/master/journal: * at byte 0; nothing was changed*' "$dir/master"
"$DM_BIN_MASTER" --repair "$dir/master" >out || true
expect_line '*no record can be saved; it is left as it is'
same "$(cat master/journal)" 'Dear diary'
cp kept/journal w1/journal
worker "*/w1/journal: a journal of kind 'master', not 'worker' at byte 0; nothing was changed*" "$dir/w1"
cp kept-journal w1/journal

# The journal is gone, but not what it spoke of: beginning anew would throw that away.
rm -rf master
cp -a kept master
rm master/journal
gone="$dir/master holds files of a master, but no journal; put it back, or remove the directory to begin anew"
master "dm-master: $gone" "$dir/master"
check 1 "$gone" "$dir/master"
repair 1 "$gone" "$dir/master"

empty="$dir/master holds files of a master, but nothing is recorded in its journal; put *"
for bytes in 0 20; do
  head -c "$bytes" kept/journal >master/journal
  master "dm-master: $empty" "$dir/master"
  check 1 "$empty" "$dir/master"
  repair 1 "$empty" "$dir/master"
  expect_no_line '*nothing to repair*'
done
printf 'no newline' >master/journal
master '*/master/journal: not a journal at byte 0; nothing was changed*' "$dir/master"
check 1 '*/master/journal: not a journal at byte 0' "$dir/master"
repair 111 '*/master/journal: not a journal at byte 0; nothing was changed' "$dir/master"

# Without anything else nothing is lost.
mkdir new
: >new/journal
check 0 '*/new/journal: nothing is recorded in it: dm-master begins anew' "$dir/new"
repair 0 '*/new/journal: nothing is recorded in it: *; nothing to repair' "$dir/new"
check_worker 0 '*/new/journal: nothing is recorded in it: dm-worker begins anew' "$dir/new"
check 111 'dm-master: look at */nowhere: No such file or directory' "$dir/nowhere"
expect_lines 1
mkdir strange
printf 'no newline' >strange/journal
master '*/strange/journal: not a journal at byte 0; nothing was changed*' "$dir/strange"
worker '*/strange/journal: not a journal at byte 0; nothing was changed*' "$dir/strange"
same "$(ls strange)" "$(printf 'journal\nlock')"
rm w1/journal
lost="$dir/w1 holds apps, but no journal that tells of them; put it back, or *"
worker "dm-worker: $lost" "$dir/w1"
check_worker 1 "$lost" "$dir/w1"
: >w1/journal
lost="$dir/w1 holds apps, but nothing is recorded in its journal that tells of them; put it back, or *"
worker "dm-worker: $lost" "$dir/w1"
check_worker 1 "$lost" "$dir/w1"
repair_worker 1 "$lost" "$dir/w1"
lives "$pid" || fail "the app is gone"
cp kept-journal w1/journal

# Damaged: --check and --repair are named, and lead out.
rm -rf master
cp -a kept master
sed -i 's/^VERSION /VERSJON /' master/journal
master "*the checksum does not fit at byte *; nothing was changed, see 'dm-master --check $dir/master'" "$dir/master"
check 1 "*damaged after * records: * at byte *; 'dm-master --repair DIR' saves what is whole" "$dir/master"
"$DM_BIN_MASTER" --repair "$dir/master" >out
expect_line '*kept * record*; lost 1 line of *'
start_master
stop_program master
rm -rf master
cp -a kept master

# A worker's likewise: what runs goes on, and its worker knows it.
start_master
check_worker 0 '*/w1/journal: whole, * records' "$dir/w1"
sed -i 's/^INSTALLED /INSTELLED /' w1/journal
cp w1/journal damaged
worker "*/w1/journal: the checksum does not fit at byte *; nothing was changed, see 'dm-worker --check $dir/w1'" "$dir/w1"
check_worker 1 "*damaged after * records: * at byte *; 'dm-worker --repair DIR' saves what is whole" "$dir/w1"
"$DM_BIN_WORKER" --repair "$dir/w1" >out
expect_line '*kept * record*; lost 1 line of *'
cmp damaged w1/journal.damaged-*
check_worker 0 '*/w1/journal: whole, * records' "$dir/w1"
start_worker w1
wait_for is_alive work.1
same "$(pid_of work.1)" "$pid"
refuses "dm-worker: $dir/w1 is in use by another process ${pids[w1]}" \
  "$dir/w1" "$DM_BIN_WORKER" --repair "$dir/w1"
stop_program w1 || true
# In a directory of a user's, what root has mended is the user's.
if [[ $(id -u) == 0 ]]; then
  mkdir -p users
  chmod 755 "$dir"
  cp damaged users/journal
  chown -R 65534:65534 users
  "$DM_BIN_WORKER" --repair "$dir/users" >out
  same "$(stat -c %u users/journal users/journal.damaged-* | sort -u)" 65534
fi

# Or it begins anew: its apps are stopped, its journal is removed, and the operator has them brought
# and started again.
sed -i 's/^INSTANCE /INSTENCE /' w1/journal
worker "*/w1/journal: the checksum does not fit at byte *; nothing was changed, see 'dm-worker --check $dir/w1'" "$dir/w1"
lives "$pid" || fail "the app is gone"
end_apps
gone "$pid" || fail "the app lives on"
rm -r w1/journal w1/apps
start_worker w1
wait_for is work.1 dead
same "$(reason_of work.1)" 'worker w1 has no record of it'
dm copy apps/work --to w1
dm start work.1
is_alive work.1
dm stop all
stop_program w1 || true
end_apps
stop_program master

# Names that hold something else.
for name in journal blobs control.sock lock id; do
  for daemon in master worker; do
    case $daemon.$name in
      master.journal | worker.journal | *.lock) make='mkdir' ;;
      master.id | worker.control.sock) continue ;;
      *) make='touch' ;;
    esac
    rm -rf odd
    mkdir odd
    $make "odd/$name"
    "$daemon" "dm-$daemon: *odd*$name*" "$dir/odd" "odd/$name"
  done
done
rm -rf odd
: >odd
master "dm-master: make $dir/odd: Not a directory" "$dir/odd"
worker "dm-worker: make $dir/odd: Not a directory" "$dir/odd"

# No permission, no writing, no room.
if [[ $(id -u) == 0 ]] && type -p setpriv >/dev/null; then
  chmod 755 "$dir"
  nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
  as_nobody() { refuses "$1" "$2" "${nobody[@]}" "${@:3}"; }
  as_nobody '*Permission denied*' "$dir/kept" "$DM_BIN_MASTER" --insecure --no-shell \
    --listen 127.0.0.1:0 --state "$dir/kept"
  as_nobody '*Permission denied*' "$dir/w1" "$DM_BIN_WORKER" --insecure --master 127.0.0.1:1 \
    --name w1 --root "$dir/w1"
fi
mkdir small
if ! mount -t tmpfs -o size=256k dm-story "$dir/small" 2>err; then
  echo "$story: not told here, without a mount: full and read-only disks"
  exit 0
fi
end_story() { umount -l "$dir/small"; }
cp -a kept small/master
mkdir small/new small/w9
cat /dev/zero >small/filler 2>err || true
master 'dm-master: *: No space left on device' "$dir/small/new" small/new
worker 'dm-worker: *No space left on device*' "$dir/small/w9" small/filler
# What the journal's last block still takes is enough for a few starts; then one says why not.
starts() {
  timeout 20 "$DM_BIN_MASTER" --insecure --listen 127.0.0.1:0 --state "$dir/small/master" >out 2>err </dev/null
}
for ((i = 0; i < 100; i++)); do
  cp small/master/journal last
  starts || break
done
master "dm-master: $dir/small/master/journal: write: No space left on device" "$dir/small/master" kept
check 0 '*' "$dir/small/master"
cmp -n "$(stat -c %s last)" last small/master/journal || fail "what it held is gone"
mount -o remount,ro "$dir/small"
master '*Read-only file system' "$dir/small/master"
worker '*Read-only file system' "$dir/small/w9"
mount -o remount,rw "$dir/small"
rm small/filler
starts || fail "with room again it does not start: $(cat err)"
