#!/bin/bash
# What a daemon refuses to start with, and how it says so: 100 for usage, 111 for the system.
. "$(dirname "$0")/lib.sh"

# STATUS PATTERN PROGRAM ARG...
refuses() {
  local want=$1 pattern=$2 status=0
  shift 2
  timeout 20 "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
  ((status == want)) || fail "$* ended with $status, not $want"
  expect_error "$pattern"
  same "$(cat out)" ''
}
master=("$DM_BIN_MASTER" --no-shell --listen 127.0.0.1:0 --state "$dir/master")
worker=("$DM_BIN_WORKER" --root "$dir/w1" --name w1)

# No secret, and reachable from outside: no daemon.
refuses 100 '*no secret*' "${master[@]}"
refuses 100 '*0.0.0.0*loopback*' "${master[@]}" --insecure --listen 0.0.0.0:0
refuses 100 '*0.0.0.0*loopback*' "${master[@]}" --insecure --control 0.0.0.0:0
refuses 100 '*' "${worker[@]}" --master 127.0.0.1:1
refuses 100 '*192.0.2.1*' "${worker[@]}" --insecure --master 192.0.2.1:7400
refuses 100 '*--master*' "${worker[@]}" --insecure
[[ ! -e master && ! -e w1 ]] || fail "something was made before it was refused"

# Options that are none, values that are none.
refuses 100 '*--frobnicate*' "${master[@]}" --frobnicate
refuses 100 '*--heartbeat*' "${master[@]}" --insecure --heartbeat never
refuses 100 '*--heartbeat*' "${master[@]}" --insecure --heartbeat 0s
refuses 100 '*--listen*' "${master[@]}" --insecure --listen nonsense
refuses 100 '*--listen*' "${master[@]}" --insecure --listen 127.0.0.1:99999
refuses 100 '*--dev*' "$DM_BIN_MASTER" --dev=0
refuses 100 '*stray*' "${master[@]}" --insecure stray
refuses 100 '*--frobnicate*' "${worker[@]}" --frobnicate
refuses 100 '*--name*' "$DM_BIN_WORKER" --name UPPER
refuses 100 '*--label*' "${worker[@]}" --label nolabel
refuses 100 '*stray*' "${worker[@]}" stray
refuses 2 '*--frobnicate*' "$DM_BIN_DM" --frobnicate
refuses 100 '*[[]::1]:7400*' "${worker[@]}" --insecure --master ::1
refuses 100 '*not an URL*' "${worker[@]}" --insecure --master http://127.0.0.1:7400
refuses 100 '*value is missing: --state DIR*' "$DM_BIN_MASTER" --insecure --state
refuses 100 '*--dev*directory of its own*' "$DM_BIN_MASTER" --dev --state "$dir/dev"
refuses 4 '*' "$DM_BIN_DM" --connect "$dir/nobody.sock" workers

# --help and --version answer on standard output, and name every option.
for program in "$DM_BIN_MASTER" "$DM_BIN_WORKER" "$DM_BIN_DM"; do
  "$program" --version >out
  expect_line "$(basename "$program") [0-9]*.[0-9]*.[0-9]*"
  "$program" --help >out
  expect_line 'usage: *'
  expect_line '*--secret-file*'
  expect_line '*--version*'
done

# A second daemon on the same directory.
start_master
start_worker w1
# Without keys: said at every start.
says "$(echo master-*.log)" 'dm-master: --insecure: no keys; whoever reaches these addresses is trusted' ||
  fail "the master does not say that it is insecure"
says w1.log "dm-worker: --insecure: no key; whoever listens at 127.0.0.1:$port is obeyed" ||
  fail "the worker does not say that it is insecure"
dm version
expect_line 'insecure: no secret, loopback only'
# An operator who takes the workers' port for a control endpoint.
refuses 1 'dm: workers connect here, operators at*--control*' "$DM_BIN_DM" --connect "127.0.0.1:$port" ps
refuses 111 '*master*' "${master[@]}" --insecure
refuses 111 '*w1*' "${worker[@]}" --insecure --master "127.0.0.1:$port"
wait_for worker_is w1 up
# A port that is taken, a directory that cannot be.
refuses 111 "*$port*" "$DM_BIN_MASTER" --insecure --no-shell --state "$dir/second" \
  --listen "127.0.0.1:$port"
: >file
refuses 111 '*file*' "$DM_BIN_MASTER" --insecure --no-shell --listen 127.0.0.1:0 --state "$dir/file/x"
refuses 111 '*file*' "$DM_BIN_WORKER" --insecure --master "127.0.0.1:$port" --name w2 \
  --root "$dir/file/x"

# --port-file holds the port, whole, when it appears.
stop_program master
"$DM_BIN_MASTER" --insecure --no-shell --listen 127.0.0.1:0 --state "$dir/master" \
  --port-file "$dir/port" 2>again.log </dev/null &
pids[master]=$!
wait_for test -e port
[[ $(cat port) =~ ^[0-9]+$ && $(wc -l <port) == 1 ]] || fail "the port file holds: $(cat port)"
wait_for says again.log "dm-master: listening on 127.0.0.1:$(cat port)"
stop_program master || fail "SIGTERM: status $?"
