# shellcheck shell=bash
# tests/torture/hosts_lib.sh - two hosts, each a network namespace: the master and w2 on one, w1 on
# the other; and ways to cut the network between them. Sourced, never run.
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
# Workers see processors that are idle: how busy this machine is must decide nothing. The mount is seen by nobody else, for ip-netns(8) unshares them.
cp /proc/stat idle
start_hosts() {  # OPTION...: of the master
  local name host
  start_on "$here" master "$DM_BIN_MASTER" --secret-file "$secret" --no-shell \
    --listen 10.99.0.1:7400 --state "$dir/master" --heartbeat 500ms "$@"
  wait_for says master.log 'dm-master: control on *'
  for name in w1 w2; do
    [[ $name == w1 ]] && host=$there || host=$here
    # shellcheck disable=SC2016
    start_on "$host" "$name" sh -c 'mount --bind "$0" /proc/stat && exec "$@"' "$dir/idle" \
      "$DM_BIN_WORKER" --secret-file "$dir/$name.key" --master 10.99.0.1:7400 \
      --name "$name" --root "$dir/$name"
    roots[$name]=$dir/$name
    wait_for worker_is "$name" up
  done
}

# HOST ADDRESS: what comes from there is not heard here any more.
deafen_host() {
  ip netns exec "$1" nft add table inet dm
  ip netns exec "$1" nft add chain inet dm in '{ type filter hook input priority 0; }'
  ip netns exec "$1" nft add rule inet dm in ip saddr "$2" drop
}
# KIND: whole; worker-deaf, who is heard; or master-deaf, whose words arrive. $cut_at is the moment.
cut_network() {
  cut_at=$SECONDS
  case $1 in
    whole) ip -n "$here" link set v0 down ;;
    worker-deaf) deafen_host "$there" 10.99.0.1 ;;
    master-deaf) deafen_host "$here" 10.99.0.2 ;;
  esac
}
mend_network() {  # KIND
  case $1 in
    whole) ip -n "$here" link set v0 up ;;
    worker-deaf) ip netns exec "$there" nft delete table inet dm ;;
    master-deaf) ip netns exec "$here" nft delete table inet dm ;;
  esac
}
has_lasted() { ((SECONDS - cut_at >= $1)); }  # SECONDS

# An app that says in runs/INSTANCE.RUN that it has begun.
mkdir runs
app work <<APP
trap 'exit 0' INT TERM
echo \$\$ >>$dir/runs/\$DM_INSTANCE.\$DM_RUN
while :; do sleep 0.2; done
APP
launch() {  # WORD...: $launched is the instance
  dm launch work "$@"
  launched=$(sed -n 's/^\(work\.[0-9]*\) .*/\1/p' out)
}

# Of which instances does anything live, on both hosts together?
living() {
  local pid
  for pid in $({ grep -lsz -e "^HOME=$dir/w[12]/work/" /proc/[0-9]*/environ || true; } | cut -d/ -f3); do
    { tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | sed -n 's/^DM_INSTANCE=//p'
  done | sort -u
}
listed() { "$DM_BIN_DM" --connect "$control" ps --json | sed -n 's/.*"instance":"\([^"]*\)".*/\1/p' | sort -u; }
# What lives is what the master lists, and no run has begun twice.
expect_once() {
  local file
  agrees() { [[ $(living) == "$(listed)" ]]; }
  wait_for agrees
  for file in runs/*; do same "$(wc -l <"$file")" 1; done
}
