#!/bin/bash
# The Unix socket: our own user and root are admins, a group's members what --control-group says,
# everybody else hears why not.
. "$(dirname "$0")/lib.sh"
need setpriv
(($(id -u) == 0)) || skip "only root can be somebody else"

chmod 711 "$dir"
mkdir -m 711 door
watchers=54321 workers=54322
control=$dir/door/control.sock

# USER GROUPS COMMAND...: by netcat; what comes back is in out.
as() {
  printf '%s\n' "${@:3}" | setpriv --reuid "$1" --regid 54399 --groups "$2" \
    timeout 20 nc -NU "$control" >out 2>err || true
}

start_master --control "$control" --control-group "$watchers=viewer"
same "$(stat -c '%a %g' "$control")" "660 $watchers"
as 65534 "$watchers" workers
expect_line OK
as 65534 "$watchers" 'workers revoke x'
expect_line 'ERR denied workers revoke is for admins; you are a viewer'
as 65534 "$watchers" 'RUN id=7 arg=stop arg=all'
expect_line 'ERR id=7 code=denied *'
as 65534 "$watchers" "HAVE id=8 sha256=$(printf '%064d' 0)"
expect_line 'ERR id=8 code=denied *'
as 65534 54398 workers
same "$(cat out)" ''
grep -q 'Permission denied' err || fail "the socket's mode let a stranger in"
stop_program master

start_master --control "$control" --control-group "$watchers=viewer" --control-group "$workers=operator"
as 65534 "$watchers,$workers" "stop all" "copy /etc/hostname" 'workers revoke x'
expect_line OK
expect_line 'ERR denied this endpoint opens no paths; use dm'
expect_line 'ERR denied workers revoke is for admins; you are an operator'
dm events
expect_line "* command  stop all*[(]by $(id -un 65534 2>/dev/null || echo 'uid 65534'))"
as 65534 "$watchers" 'stop all'
expect_line 'ERR denied stop is for operators; you are a viewer'
# The mode lets a stranger knock; the master says why it does not open.
as 65534 54398 'stop all'
expect_line 'ERR denied user * is neither this master*root, nor in a group that --control-group lets in'
expect_lines 1
as 65534 54398 'RUN id=3 arg=stop arg=all'
expect_line 'ERR id=3 code=denied msg=user%20*'
as 0 54398 'stop all'
expect_line OK
dm version
expect_line '2 peers were turned away since the start'
stop_program master

# What is no group, or no role.
for option in nosuchgroup=viewer "$watchers=king" "$watchers" =viewer; do
  status=0
  "$DM_BIN_MASTER" --secret-file "$secret" --state "$dir/x" --control-group "$option" 2>err || status=$?
  same "$status" 100
  expect_error '*--control-group: *'
done
