#!/bin/bash
# A worker that is the first process of a container: TERM stops its apps in order, orphans are
# reaped, also after the death of a supervisor.
. "$(dirname "$0")/lib.sh"

unshare --pid --fork --mount-proc true 2>err || skip "no PID namespace can be made: $(cat err)"

app polite <<'EOF'
trap 'echo bye; exit 0' INT
echo ready
while :; do sleep 0.05; done
EOF

start_master
unshare --pid --fork --mount-proc "$DM_BIN_WORKER" --insecure --master "127.0.0.1:$port" --name w1 \
  --root "$dir/w1" 2>>w1.log &
outside=$!
wait_for worker_is w1 up
dm copy apps/polite
dm launch polite --on w1
wait_for log_says polite.1 ready
inside=$(cat /proc/$outside/task/$outside/children)
kill -TERM "${inside%% *}"
wait "$outside" || fail "the first process ended with $?"
grep -q bye "$dir/w1/logs/polite.1.1" || fail 'the app had no time to end'
end_is_told() {
  dm events -n 50
  says out '*polite.1 on w1: stopped, dm-worker --stop-apps: SIGINT, exit code 0'
}
wait_for end_is_told
