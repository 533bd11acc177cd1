#!/bin/bash
# Who may do what: a viewer looks, an operator changes apps, an admin changes workers too. The trail
# names who asked. A key that no longer holds ends what it had begun.
. "$(dirname "$0")/lib.sh"

start_master --secret-file "$dir/next" --control "$dir/master/control.sock" --control 127.0.0.1:0
wait_for says master-*.log "dm-master: key file $dir/next is not there*"
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log)
start_worker w1
app work <<'END'
exec sleep 1000
END
for role in viewer operator admin; do make_key "$role.key" --control "$role-ann" --role "$role"; done

# STATUS ROLE WORD...: a command from afar.
as() {
  local want=$1 role=$2 status=0
  shift 2
  "$DM_BIN_DM" --connect "127.0.0.1:$tcp" --secret-file "$role.key" "$@" >out 2>err </dev/null ||
    status=$?
  ((status == want)) || fail "dm $* as $role ended with $status, not $want: $(cat err)"
}
as 1 viewer launch apps/work
expect_error '*is for operators; you are a viewer*'
as 1 viewer copy apps/work
as 0 operator launch apps/work --on w1
for command in ps 'ps --all' workers 'describe work.1' usage 'logs work.1' events version help failover; do
  # shellcheck disable=SC2086
  as 0 viewer $command
done
for command in 'stop work.1' 'kill work.1' 'start work.1' 'delete work' 'launch work' \
  'workers forget w1' 'workers revoke w1' 'failover resume'; do
  # shellcheck disable=SC2086
  as 1 viewer $command
  expect_error '*you are a viewer*'
done
for command in 'workers forget w1' 'workers revoke w1'; do
  # shellcheck disable=SC2086
  as 1 operator $command
  expect_error '*is for admins; you are an operator*'
done
is_alive work.1 || fail "somebody without the right has ended it"
as 0 operator stop work.1
as 0 operator start work.1
as 0 admin workers revoke nobody
dm stop work.1
for line in 'launch *work* (by operator-ann)' 'stop work.1*[(]by operator-ann)' \
  'start work.1*[(]by operator-ann)' 'workers revoke nobody*[(]by admin-ann)' \
  "stop work.1*[(]by $(id -un))"; do
  dm events -n 1000
  expect_line "* command  $line"
done
same "$(count_events '(by viewer-ann)')" 0

# Revoked while connected: the follower is cut off, and so is the worker.
follow() {  # ROLE
  "$DM_BIN_DM" --connect "127.0.0.1:$tcp" --secret-file "$1.key" events -f >"$1.out" 2>&1 &
  pids[follow]=$!
  wait_for test -s "$1.out"
}
follow viewer
dm workers revoke viewer-ann
wait_for gone "${pids[follow]}"
unset 'pids[follow]'
as 1 viewer ps
expect_error '*not accepted*'
dm workers revoke w1
wait_for says w1.log '*no session with the master: refused: not accepted*'
as 0 operator ps
make_key w1.new --worker w1 --generation 2
mv w1.new w1.key
stop_program w1
start_worker w1

# A secret that is dropped takes its connections along; two at once let everybody in meanwhile.
follow operator
cp "$secret" old
"$DM_BIN_DM" keygen new >/dev/null
as 0 operator ps
mv new next
kill -HUP "${pids[master]}"
wait_for says master-*.log '*keys read again'
"$DM_BIN_DM" keygen --worker w1 --generation 2 --secret-file next w1.next >/dev/null
"$DM_BIN_DM" keygen --control next-ann --role viewer --secret-file next next.key >/dev/null
as 0 next ps
mv next "$secret"
kill -HUP "${pids[master]}"
wait_for gone "${pids[follow]}"
unset 'pids[follow]'
as 1 operator ps
wait_for says w1.log '*no session with the master: refused: not accepted*'
# The worker reads its key again, and needs no restart.
mv -f w1.next w1.key
kill -HUP "${pids[w1]}"
wait_for worker_is w1 up
