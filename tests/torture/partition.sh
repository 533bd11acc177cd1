#!/bin/bash
# Two hosts, each a network namespace. The network between them is gone for 20 s, then only one way
# of it. The apps go on; what ends meanwhile is told of once, and what was to be stopped is stopped
# when the worker is back.
. "$(dirname "$0")/lib.sh"
need_root 'make hosts of namespaces'
need ip nft
here=dmt$$a there=dmt$$b
ip netns add "$here" 2>err || skip "no network namespaces: $(cat err)"
end_story() {
  stop_program w1 KILL
  timeout 15 "$DM_BIN_WORKER" --root "$dir/w1" --stop-apps
  ip netns del "$here"
  ip netns del "$there"
}
ip netns add "$there"
ip link add v0 netns "$here" type veth peer name v1 netns "$there" 2>err || skip "no veth: $(cat err)"
ip -n "$here" addr add 10.99.0.1/24 dev v0
ip -n "$there" addr add 10.99.0.2/24 dev v1
for host in "$here" "$there"; do ip -n "$host" link set lo up; done
ip -n "$here" link set v0 up
ip -n "$there" link set v1 up

secret=$dir/secret
make_key w1.key --worker w1
make_key w2.key --worker w2
start_on() {  # HOST NAME PROGRAM ARG...
  local host=$1 name=$2
  : >"$name.log"
  ip netns exec "$host" "${@:3}" 2>"$name.log" </dev/null >/dev/null &
  pids[$name]=$!
}
start_on "$here" master "$DM_BIN_MASTER" --secret-file "$secret" --no-shell --listen 10.99.0.1:7400 \
  --state "$dir/master" --heartbeat 500ms --move-after 60s
wait_for says master.log 'dm-master: control on *'
for name in w1 w2; do
  [[ $name == w1 ]] && host=$there || host=$here
  start_on "$host" "$name" "$DM_BIN_WORKER" --secret-file "$dir/$name.key" \
    --master 10.99.0.1:7400 --name "$name" --root "$dir/$name"
  roots[$name]=$dir/$name
  wait_for worker_is "$name" up
done

app work <<'APP'
trap 'exit 0' INT
while :; do sleep 0.2; done
APP
dm copy apps/work
dm launch work --on w1
mains() { # of how many instances of the app does anything live, on both hosts together?
  local pid
  for pid in $({ grep -lsz -e "^HOME=$dir/w[12]/work/" /proc/[0-9]*/environ || true; } | cut -d/ -f3); do
    tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^DM_INSTANCE=//p'
  done | sort -u
}

for kind in whole one-way; do
  dm launch work --on w1 --restart always
  fixed=$(sed -n 's/^\(work\.[0-9]*\) .*/\1/p' out)
  dm launch work --on w1
  ends=$(sed -n 's/^\(work\.[0-9]*\) .*/\1/p' out)
  pid=$(pid_of "$fixed") end_pid=$(pid_of "$ends")
  begin=$SECONDS
  if [[ $kind == whole ]]; then
    ip -n "$here" link set v0 down
  else
    # The master is not heard, but hears.
    ip netns exec "$there" nft add table inet dm
    ip netns exec "$there" nft add chain inet dm in '{ type filter hook input priority 0; }'
    ip netns exec "$there" nft add rule inet dm in ip saddr 10.99.0.1 drop
  fi
  wait_for worker_is w1 lost
  dm_fails 1 launch work --on w1
  lives "$pid" || fail "an app has ended with the network"
  kill -KILL "$end_pid"
  dm_fails 1 stop work.1
  expect_error '*when w1 returns*'
  while ((SECONDS - begin < 20)); do sleep 0.2; done
  if [[ $kind == whole ]]; then
    ip -n "$here" link set v0 up
  else
    ip netns exec "$there" nft delete table inet dm
  fi
  wait_for worker_is w1 up
  wait_for is "$ends" dead
  same "$(reason_of "$ends" | cut -d';' -f1)" 'killed by SIGKILL, not by dm'
  same "$(count_events "$ends on w1: killed by SIGKILL")" 1
  wait_for is_alive "$fixed"
  same "$(pid_of "$fixed")" "$pid"
  stopped() { is work.1 dead; }
  wait_for stopped
  dm start work.1
done
dm stop all
same "$(mains)" ''
