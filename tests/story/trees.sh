#!/bin/bash
# stop and kill leave nothing of a tree: double-forked processes and those with a session of their
# own are gone when the answer comes; with a cgroup and without one.
. "$(dirname "$0")/lib.sh"
need setsid

app tree <<'END'
trap 'exit 0' INT
sleep 1001 &
echo "child $!"
(sleep 1002 & echo "orphan $!")
setsid sh -c 'trap "" INT TERM HUP; echo "session $$"; while :; do sleep 0.2; done' &
setsid sh -c 'setsid sleep 1003 & echo "deep $!"'
# Without a cgroup nothing tells whose this one is: no parent, no session, no mark.
[ "$DM_WORKER" = without ] || env -i setsid sh -c 'sleep 1004 & echo "bare $!"'
echo ready
while :; do sleep 0.1; done
END

start_master
start_worker with
start_worker without --no-cgroup
dm copy apps/tree

# WORKER COMMAND...: launches a tree there, ends it by the command, looks for what is left.
ends_whole() {
  local worker=$1 name pid
  shift
  dm launch tree --on "$worker"
  name=$(awk '{ print $1 }' out)
  wait_for log_says "$name" ready
  wait_for log_says "$name" 'session *'
  for pid in $(awk '/ / { print $2 }' log); do
    lives "$pid" || fail "the tree has lost $pid before the $1"
  done
  dm "$@" "$name"
  gone "$(pid_of "$name")" || fail "the main process survived $1 on $worker"
  for pid in $(awk '/ / { print $2 }' log); do
    gone "$pid" || fail "$(grep " $pid$" log) survived $1 on $worker"
  done
}

for worker in with without; do
  ends_whole "$worker" kill
  ends_whole "$worker" stop
  ends_whole "$worker" stop --timeout 10s
done

# The cgroups that were made for it are gone with the supervisor.
dm launch tree --on with
cgroup=$(sed -n 's/^0::.*\/\(dm-[^/]*\)\/tree.*/\1/p' "/proc/$(pid_of tree.7)/cgroup")
"$DM_BIN_WORKER" --root "$dir/with" --stop-apps 2>err
unset 'roots[with]'
[[ -z $cgroup ]] || wait_for count_is 0 find /sys/fs/cgroup -type d -name "$cgroup"
