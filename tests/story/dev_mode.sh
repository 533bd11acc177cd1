#!/bin/bash
# --dev: everything on this machine, and nothing of it is left: after the script, after quit, after
# kill -9 of the master.
. "$(dirname "$0")/lib.sh"

export TMPDIR=$dir/tmp
mkdir "$TMPDIR"
app work <<'END'
trap '' INT
(setsid sleep 1000 &)
while :; do sleep 0.2; done
END
nothing_left() {
  [[ -z $(ls "$TMPDIR") ]] && [[ -z $(grep -lsz "^HOME=$TMPDIR/" /proc/[0-9]*/environ) ]]
}

# A script on standard input; its status is that of the last command that failed.
printf 'workers\ncopy %s\nlaunch work --on w2\nps\n' "$dir/apps/work" |
  "$DM_BIN_MASTER" --dev >out 2>err
expect_line 'w1 *up *'
expect_line 'w2 *up *'
expect_line 'work.1 w2 [0-9]*'
expect_line 'work.1 *w2 *'
wait_for nothing_left
status=0
printf 'frobnicate\nversion\n' | "$DM_BIN_MASTER" --dev=1 >out 2>err || status=$?
same "$status" 2
expect_line 'dm [0-9]*'
wait_for nothing_left

# kill -9 of the master: the workers, their apps and the directory go as well.
: >killed.log
"$DM_BIN_MASTER" --dev=3 --no-shell 2>killed.log </dev/null >/dev/null &
pids[master]=$!
wait_for says killed.log 'dm-master: control on *'
control=$(sed -n 's/^dm-master: control on //p' killed.log)
for name in w1 w2 w3; do wait_for worker_is "$name" up; done
for name in w1 w2 w3; do dm launch "$dir/apps/work" --on "$name"; done
pid=$(pid_of work.3)
lives "$pid" || fail "work.3 does not run"
stop_program master KILL || true
wait_for gone "$pid"
wait_for nothing_left

# SIGTERM: the same, in order.
: >ended.log
"$DM_BIN_MASTER" --dev --no-shell 2>ended.log </dev/null >/dev/null &
pids[master]=$!
wait_for says ended.log 'dm-master: control on *'
control=$(sed -n 's/^dm-master: control on //p' ended.log)
wait_for worker_is w1 up
stop_program master || fail "SIGTERM: status $?"
nothing_left || fail "something is left: $(ls -R "$TMPDIR")"
