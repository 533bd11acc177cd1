#!/bin/bash
# Started as root: who the agent and the apps are then, what they may no longer do, and what an app
# that looks for secrets finds. Told in a mount namespace of its own, with users of its own.
if [[ -z ${DM_OWN_USERS:-} ]]; then
  [[ $(id -u) == 0 ]] || { echo "privileges: skipped: only root can change users"; exit 77; }
  unshare --mount true 2>/dev/null ||
    { echo "privileges: skipped: no mount namespace to be had"; exit 77; }
  DM_OWN_USERS=1 exec unshare --mount bash "$0"
fi
. "$(dirname "$0")/lib.sh"
need setpriv

agent_id=61201 eve_id=61202 keeper_id=61203 plain_id=61204 data_id=61210
for file in passwd group; do grep -v '^dm' "/etc/$file" >"$dir/$file"; done
add_user() {  # NAME ID
  echo "$1:x:$2:$2::/nonexistent:/usr/sbin/nologin" >>"$dir/passwd"
  echo "$1:x:$2:" >>"$dir/group"
}
add_user dm-agent $agent_id
add_user dm-app-one $eve_id
add_user dm-app-two $keeper_id
add_user dm-plain $plain_id
echo "dm-data:x:$data_id:dm-app-one,dm-agent" >>"$dir/group"
for file in passwd group; do mount --bind "$dir/$file" "/etc/$file"; done
chmod 711 "$dir"

# WHO...: a master with keys, run by that command; sets $port and $control.
start_locked_master() {
  local log=$dir/master.log
  : >"$log"
  "$@" "$DM_BIN_MASTER" --no-shell --listen 127.0.0.1:0 --state "$dir/master" \
    --secret-file "$dir/keys/secret" 2>"$log" </dev/null >/dev/null &
  pids[master]=$!
  wait_for master_is_ready "$log"
  port=$(sed -n 's/^dm-master: listening on .*:\([0-9]*\)$/\1/p' "$log")
}
# NAME WHO...: a worker with its key.
start_locked_worker() {
  local name=$1
  shift
  [[ -e $dir/keys/$name ]] ||
    ("$@" "$DM_BIN_DM" keygen --worker "$name" --secret-file "$dir/keys/secret" "$dir/keys/$name")
  "$@" "$DM_BIN_WORKER" --master "127.0.0.1:$port" --name "$name" --root "$dir/$name" \
    --secret-file "$dir/keys/$name" "${worker_options[@]}" 2>>"$dir/$name.log" </dev/null >/dev/null &
  pids[$name]=$!
  roots[$name]=$dir/$name
  wait_for worker_is "$name" up
}
supervisor_of() {  # NAME
  local pid
  for pid in $(grep -lsz -e '^--supervise$' /proc/[0-9]*/cmdline | cut -d/ -f3); do
    if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- "--root $dir/$1 "; then echo "$pid"; fi
  done 2>/dev/null
}
status_of() { sed -n "s/^$2:[[:space:]]*//p" "$1" | tr '\t' ' ' | sed 's/ *$//'; }  # FILE FIELD
# STATUS-FILE UID GROUP...: the figures of a process that has given up everything.
log_has() { says "$dir/log" "$1" || fail "no line of the app's log fits: $1"; }
has_nothing() {
  local file=$1 id=$2 set
  shift 2
  same "$(status_of "$file" Uid)" "$id $id $id $id"
  same "$(status_of "$file" Gid)" "$id $id $id $id"
  same "$(status_of "$file" Groups | tr ' ' '\n' | sort -u | xargs)" "$*"
  for set in CapInh CapPrm CapEff CapBnd CapAmb; do
    same "$set $(status_of "$file" $set)" "$set 0000000000000000"
  done
  same "$(status_of "$file" NoNewPrivs)" 1
  same "$(status_of "$file" Umask)" 0022
}

mkdir -m 700 "$dir/keys"
"$DM_BIN_DM" keygen "$dir/keys/secret"

app eve <<'APP'
look() { (: <"$1") 2>/dev/null && echo "open $1" || echo "closed $1"; }
alter() { (: >>"$1") 2>/dev/null && echo "alters $1" || echo "keeps $1"; }
list() { ls "$1" >/dev/null 2>&1 && echo "open $1" || echo "closed $1"; }
cat /proc/self/status >status
tr '\0' '\n' </proc/$$/environ | cut -d= -f1 | sort | xargs echo environment
echo limits "$(ulimit -n)" "$(ulimit -c)"
ls -l /proc/$$/fd
alter "$0"
alter "$HOME/own"
look /proc/$$/environ
while [ $# -gt 0 ]; do
  case $1 in
    pid=*)
      for file in mem environ maps auxv; do look "/proc/${1#pid=}/$file"; done
      list "/proc/${1#pid=}/fd"
      kill -CONT "${1#pid=}" 2>/dev/null && echo "signals ${1#pid=}" || echo "spares ${1#pid=}" ;;
    dir=*) list "${1#dir=}"; alter "${1#dir=}/new" ;;
    file=*) look "${1#file=}"; alter "${1#file=}" ;;
    socket=*) echo | nc -U -w 1 "${1#socket=}" 2>/dev/null | grep -q . && echo "talks $1" || echo "deaf $1" ;;
  esac
  shift
done
echo done
exec sleep 1000
APP
app keeper <<'APP'
echo gold >treasure
echo by name >/dev/stdout || echo denied
mkdir -p vault/inner
echo more >vault/inner/treasure
chmod 500 vault/inner
exec sleep 1000
APP

# --- as root, with users for everything ---

# A shell that has more than it should: root's groups, and what a manager puts into the environment.
as_rich() {
  ulimit -Sn 512
  ulimit -Sc 4096
  NOTIFY_SOCKET=$dir/notify WATCHDOG_USEC=60000000 LISTEN_FDS=1 LISTEN_PID=$$ SECRET=mine \
    exec setpriv --groups 0,4,24 --inh-caps +chown,+kill --ambient-caps +chown,+kill "$@"
}
worker_options=(--user dm-agent --app-user dm-app-one --app-user dm-app-two)
start_locked_master env
start_locked_worker w1 as_rich
agent=${pids[w1]}
supervisor=$(supervisor_of w1)

same "$(status_of "/proc/$agent/status" Uid)" "$agent_id $agent_id $agent_id $agent_id"
has_nothing "/proc/$agent/status" $agent_id $agent_id $eve_id $keeper_id $data_id
same "$(status_of "/proc/$supervisor/status" Uid)" '0 0 0 0'
same "$(stat -c %u "/proc/$agent/mem" "/proc/${pids[master]}/mem" | xargs)" '0 0'

echo password >"$dir/conf"
dm copy "$dir/apps/keeper" --file "$dir/conf"
dm launch keeper
wait_for is_alive keeper.1
same "$(cat "$dir/w1/work/keeper.1/conf")" password
keeper=$(pid_of keeper.1)
wait_for test -s "$dir/w1/work/keeper.1/treasure"
same "$(stat -c %u "$dir/w1/work/keeper.1/treasure")" $keeper_id
wait_for log_says keeper.1 'by name'

secrets=(file="$dir/keys/secret" file="$dir/keys/w1" file="$dir/w1/journal"
  file="$dir/w1/logs/keeper.1.1" file="$dir/w1/work/keeper.1/treasure" file="$dir/master/journal"
  dir="$dir/w1/work/keeper.1" dir="$dir/w1/logs" dir="$dir/w1/blobs" dir="$dir/keys"
  dir="$dir/master" dir="$dir/w1/apps/keeper" file="$(echo "$dir"/w1/apps/keeper/*/files/conf)")
others=("$agent" "$supervisor" "${pids[master]}" "$keeper")
dm launch "$dir/apps/eve" -- "${others[@]/#/pid=}" "${secrets[@]}" \
  socket="$dir/w1/supervisor.sock" socket="$control"
wait_for log_says eve.1 done

has_nothing "$dir/w1/work/eve.1/status" $eve_id $eve_id $data_id
log_has 'limits 512 @(8192|4096)'  # of 512 or 1024 bytes, by the shell
log_has 'environment DM_APP DM_INSTANCE DM_RUN DM_VERSION DM_WORKER HOME LANG LD_LIBRARY_PATH PATH TMPDIR'
same "$(grep -c -- ' -> ' "$dir/log")" 4  # three, and the script
# What it may: its own.
log_has "alters $dir/w1/work/eve.1/own"
log_has 'open /proc/[0-9]*/environ'
same "$(grep -c '^open' "$dir/log")" 1
# And nothing else, its own executable included.
same "$(grep -c '^alters' "$dir/log")" 1
same "$(grep -c '^signals\|^talks' "$dir/log" || true)" 0
same "$(grep -c '^closed' "$dir/log")" $((5 * ${#others[@]} + ${#secrets[@]}))
same "$(grep -c '^spares' "$dir/log")" ${#others[@]}
same "$(grep -c '^deaf' "$dir/log")" 2
same "$(stat -c %U:%G:%a "$dir/w1/work/eve.1")" dm-agent:dm-app-one:770

dm stop all
dm delete keeper
dm delete eve
# Gone with all that the apps made there as their own users.
same "$(ls "$dir/w1/work")" ''
stop_program w1
"$DM_BIN_WORKER" --root "$dir/w1" --stop-apps >/dev/null 2>&1

# Whoever became the agent's user may listen in the supervisor's place, and is not believed.
rm -f "$dir/w1/supervisor.sock"
setpriv --reuid $agent_id --regid $agent_id --clear-groups \
  nc -lkU "$dir/w1/supervisor.sock" >"$dir/heard" 2>/dev/null </dev/null &
pids[false]=$!
wait_for test -S "$dir/w1/supervisor.sock"
start_locked_worker w1 as_rich
same "$(status_of "/proc/$(supervisor_of w1)/status" Uid)" '0 0 0 0'
same "$(cat "$dir/heard")" ''
stop_program false || true
stop_program w1
"$DM_BIN_WORKER" --root "$dir/w1" --stop-apps >/dev/null 2>&1

# --- as root, without the users: one warning, and everything as root ---

worker_options=()
start_locked_worker w2 env
same "$(grep -c "^dm-worker: no user 'dm': everything runs as root$" "$dir/w2.log")" 1
same "$(status_of "/proc/${pids[w2]}/status" Uid)" '0 0 0 0'
dm launch "$dir/apps/keeper" --on w2
same "$(status_of "/proc/$(pid_of keeper.2)/status" Uid)" '0 0 0 0'
dm stop keeper
worker_options=(--user dm-agent --app-user no-such-user)
status=0
"$DM_BIN_WORKER" --insecure --master "127.0.0.1:$port" --root "$dir/w3" --user dm-agent \
  --app-user no-such-user 2>"$dir/err" || status=$?
same $status 100
expect_error "dm-worker: no user 'no-such-user' to run as"
stop_program w2
"$DM_BIN_WORKER" --root "$dir/w2" --stop-apps >/dev/null 2>&1
stop_program master

# --- all as one plain user: its apps are as mighty as it, but the keys in memory stay hidden ---

rm -rf "$dir/master"
mkdir -p "$dir/master" "$dir/w4"
chown -R dm-plain:dm-plain "$dir/master" "$dir/w4" "$dir/keys"
plain=(setpriv --reuid "$plain_id" --regid "$plain_id" --clear-groups)
worker_options=()
start_locked_master "${plain[@]}"
start_locked_worker w4 "${plain[@]}"
for name in master w4; do
  same "$(stat -c %u "/proc/${pids[$name]}/mem")" 0
done
dm launch "$dir/apps/eve" -- "pid=${pids[master]}" "pid=${pids[w4]}"
wait_for log_says eve.1 done
same "$(status_of "$dir/w4/work/eve.1/status" Uid)" "$plain_id $plain_id $plain_id $plain_id"
same "$(grep -c '^closed /proc' "$dir/log")" 10
dm stop all
