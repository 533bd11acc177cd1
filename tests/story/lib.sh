# shellcheck shell=bash
# tests/story/lib.sh - what every story stands on: a directory of its own, programs that are
# started, awaited and ended again, lines that are said and expected. Sourced, never run.
#
# A story ends at the first thing that is not as expected, and then shows what it saw. Whatever it
# started is ended with it, by pid; whatever is left after that makes it fail. Exit status 77: it
# cannot be told on this machine, and the reason was printed.
set -eEuo pipefail

story=$(basename "$0" .sh)
here=$(cd "$(dirname "$0")" && pwd)
build=${DM_BUILD:-$here/../../build}
DM_BIN_MASTER=${DM_BIN_MASTER:-$build/master/dm-master}
DM_BIN_WORKER=${DM_BIN_WORKER:-$build/worker/dm-worker}
DM_BIN_DM=${DM_BIN_DM:-$build/master/dm}
DM_APPS=${DM_APPS:-$build/tests/apps}
patience=${DM_PATIENCE:-30}  # seconds until something that must happen counts as missing
most_kb=${DM_MOST_KB:-60000}  # of memory that a daemon may ever have had

# Short, because the path of a Unix socket has at most 107 bytes.
dir=$(mktemp -d /tmp/dm-story-XXXXXX)
mkdir "$dir/home" "$dir/apps"
export HOME=$dir/home XDG_STATE_HOME=$dir/home/state
# It would take the apps' core files away.
export ASAN_OPTIONS=log_path=$dir/sanitizer:disable_coredump=0 UBSAN_OPTIONS=log_path=$dir/sanitizer
export TSAN_OPTIONS=log_path=$dir/sanitizer:die_after_fork=0
unset DM_CONNECT DM_SECRET_FILE
cd "$dir"

port= control=$dir/master/control.sock
via=     # a port: where workers dial instead of the master's own
secret=  # a file: masters and workers use keys then, made as they are needed
declare -A pids=()                                  # by name: master, w1, ...
declare -A peer_pids=() peer_fds=() peer_read=()    # netcats, by name
declare -A roots=()                                 # of workers, by name

# --- failing, skipping, ending ---

fail() {  # WORDS: says where, shows what was seen last and what the programs said
  local depth
  trap - ERR
  trap '' PIPE  # whoever reads this may have gone: what was started must be ended all the same
  echo "$story: $*"
  for ((depth = 1; depth < ${#FUNCNAME[@]}; depth++)); do
    echo "  at ${BASH_SOURCE[depth]##*/}:${BASH_LINENO[depth - 1]}"
  done
  for file in out err *.log *.heard sanitizer*; do
    [[ -s $dir/$file ]] && { echo "--- $file"; tail -c 2000 "$dir/$file" | cat -v; }
  done
  exit 1
}

skip() {  # REASON
  echo "$story: skipped: $*"
  exit 77
}

need() {  # TOOL...
  local tool
  for tool; do
    type -p "$tool" >/dev/null || skip "no $tool on this machine"
  done
}

# The processes that belong to this story: its programs by an argument, its apps by their HOME.
leftovers() {
  grep -lsz -e "^HOME=$dir/[^/]*/work/" /proc/[0-9]*/environ | cut -d/ -f3
  grep -lsz -e "^$dir/" /proc/[0-9]*/cmdline | cut -d/ -f3
}

end_story() { :; }  # a story that has more to undo, before everything else, defines its own

end_all() {
  local status=$? name pid left=
  trap - EXIT ERR
  trap '' PIPE
  set +e
  exec 2>/dev/null
  end_story
  for name in "${!peer_pids[@]}"; do kill "${peer_pids[$name]}"; done
  for name in "${!roots[@]}"; do
    kill -CONT "${pids[$name]:-}"
    timeout 15 "$DM_BIN_WORKER" --root "${roots[$name]}" --stop-apps >/dev/null &
  done
  [[ -n ${pids[master]:-} ]] && kill -CONT "${pids[master]}" && kill "${pids[master]}"
  for name in "${!pids[@]}"; do [[ $name == master ]] || kill "${pids[$name]}"; done
  for ((i = 0; i < 100; i++)); do
    left=$(leftovers | sort -u | tr '\n' ' ')
    [[ -z $left ]] && break
    sleep 0.05
  done
  for pid in $left; do
    ((status == 0)) && echo "$story: left behind: $pid $(tr '\0' ' ' </proc/"$pid"/cmdline)"
    kill -KILL "$pid"
  done
  wait
  if ((status == 0)) && ls "$dir"/sanitizer* >/dev/null; then
    cat "$dir"/sanitizer*
    status=1
  fi
  [[ -n $left ]] && ((status == 0)) && status=1
  [[ -n ${DM_KEEP:-} ]] && echo "$story: kept $dir" || rm -rf "$dir"
  ((status == 0)) && echo "$story: ok"
  exit "$status"
}
trap end_all EXIT
trap 'fail "failed: $BASH_COMMAND"' ERR
trap 'exit 1' INT TERM HUP

# --- waiting ---

# Runs COMMAND again and again until it succeeds.
wait_for() {
  local until=$((SECONDS + patience))
  while ! "$@"; do
    ((SECONDS < until)) || fail "waited $patience s in vain for: $*"
    sleep 0.02
  done
}

says() {  # FILE PATTERN: does one of its lines fit?
  local text
  while IFS= read -r text || [[ -n $text ]]; do
    # shellcheck disable=SC2053  # a pattern is meant
    [[ $text == $2 ]] && return 0
  done < <(tr -d '\0' <"$1")
  return 1
}

lives() { [[ -e /proc/$1 && $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) != [ZX]* ]]; }
gone() { ! lives "$1"; }
same() { [[ $1 == "$2" ]] || fail "expected '$2', got '$1'"; }

# --- the programs ---

# [OPTION...]: sets $port and $control from the readiness lines. Again on the same port if called
# again.
start_master() {
  local log security=(--insecure)
  [[ -z $secret ]] || security=(--secret-file "$secret")
  log=$dir/master-$(date +%s%N).log
  : >"$log"
  "$DM_BIN_MASTER" "${security[@]}" --no-shell --listen "127.0.0.1:${port:-0}" \
    --state "$dir/master" "$@" 2>"$log" </dev/null >/dev/null &
  pids[master]=$!
  wait_for master_is_ready "$log"
  port=$(sed -n 's/^dm-master: listening on .*:\([0-9]*\)$/\1/p' "$log")
  control=$(sed -n 's/^dm-master: control on //p' "$log" | head -n 1)
}

master_is_ready() {
  says "$1" 'dm-master: control on *' && return
  lives "${pids[master]}" || fail "the master ended before it was ready"
  return 1
}

stop_program() {  # NAME [SIGNAL]: ends a program and waits for it; its exit status
  local pid=${pids[$1]}
  unset "pids[$1]"
  kill "-${2:-TERM}" "$pid"
  wait "$pid" 2>/dev/null
}

# NAME [OPTION...]: returns when the master lists it as up.
start_worker() {
  begin_worker "$@"
  wait_for worker_is "$1" up
}

begin_worker() {  # NAME [OPTION...]: without waiting
  local name=$1 security=(--insecure)
  shift
  if [[ -n $secret ]]; then
    security=(--secret-file "$dir/$name.key")
    [[ -e $dir/$name.key ]] || make_key "$name.key" --worker "$name"
  fi
  roots[$name]=$dir/$name
  : >>"$dir/$name.log"
  "$DM_BIN_WORKER" "${security[@]}" --master "127.0.0.1:${via:-$port}" --name "$name" \
    --root "$dir/$name" "$@" 2>>"$dir/$name.log" </dev/null >/dev/null &
  pids[$name]=$!
}

# FILE OPTION...: a key of the secret's, which is made if it is not there.
make_key() {
  [[ -e $secret ]] || "$DM_BIN_DM" keygen "$secret" >/dev/null
  "$DM_BIN_DM" keygen "${@:2}" --secret-file "$secret" "$dir/$1" >/dev/null
}

# --- commands ---

# Gives commands, one a line, through netcat; the answer is in $dir/out.
talk() { printf '%s\n' "$@" | nc -NU "$control" >"$dir/out"; }

# One command by the client, which must succeed. Standard output is in $dir/out, errors in err.
dm() { dm_fails 0 "$@"; }

# STATUS WORD...: one command, which must end with this status.
dm_fails() {
  local want=$1 status=0
  shift
  "$DM_BIN_DM" --connect "$control" "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
  ((status == want)) || fail "dm $* ended with $status, not $want"
}

expect_line() { says "$dir/out" "$1" || fail "no line of the output fits: $1"; }
expect_no_line() { ! says "$dir/out" "$1" || fail "a line of the output fits: $1"; }
expect_error() { says "$dir/err" "$1" || fail "no line of the errors fits: $1"; }
expect_lines() {  # N
  local count
  count=$(wc -l <"$dir/out")
  ((count == $1)) || fail "expected $1 lines of output, got $count"
}

# Every line of the output is one JSON object.
expect_json() {
  if type -p python3 >/dev/null; then
    python3 -c 'import json, sys
for line in open(sys.argv[1], "rb"):
    assert isinstance(json.loads(line.decode("utf-8")), dict), line' "$dir/out" 2>"$dir/err" ||
      fail "this is no JSON"
  else
    ! grep -qv '^{"[a-z].*}$' "$dir/out" || fail "this does not look like JSON"
  fi
}

# WORD... KEY: what a listing with --json says, null as it is; of the first object.
field() {
  local key=${*: -1}
  "$DM_BIN_DM" --connect "$control" "${@:1:$#-1}" --json 2>/dev/null | head -n 1 |
    sed -n 's/.*"'"$key"'":\("\(\([^"\\]\|\\.\)*\)"\|\([^,}]*\)\).*/\2\4/p'
}

worker_is() { [[ $(field describe "worker/$1" state) == "$2" ]]; }
state_of() { field ps "$1" state; }
reason_of() { field ps "$1" reason; }
pid_of() { field ps "$1" pid; }
is() { [[ $(state_of "$1") == "$2" ]]; }
is_alive() { [[ $(state_of "$1") =~ ^(running|sleeping|disk-wait|stopped)$ ]]; }

# PROGRAM...: has each of them been modest with memory, all its life?
stays_small() {
  local name peak
  for name; do
    peak=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB$/\1/p' "/proc/${pids[$name]}/status")
    ((peak < most_kb)) || fail "$name has held $peak kB"
  done
}

# PATTERN: the number of events that fit the basic regular expression.
count_events() {
  "$DM_BIN_DM" --connect "$control" events -n 10000 2>/dev/null | grep -c -- "$1" || true
}

# --- apps ---

# NAME: an executable script from standard input, at $dir/apps/NAME.
app() {
  { echo '#!/bin/sh'; cat; } >"$dir/apps/$1"
  chmod 755 "$dir/apps/$1"
}

# INSTANCE: the lines of its log so far are in $dir/log.
read_log() { "$DM_BIN_DM" --connect "$control" logs "$1" >"$dir/log" 2>/dev/null; }
log_says() { read_log "$1" && says "$dir/log" "$2"; }
log_says_last() { "$DM_BIN_DM" --connect "$control" logs "$1" -n 1 2>/dev/null | grep -qx -- "$2"; }

# --- netcats that play somebody ---

# NAME ARG...: starts `nc ARG...`; say and hear speak with whoever is at its other end.
open_peer() {
  local name=$1 fd
  shift
  rm -f "$dir/$name.say"
  mkfifo "$dir/$name.say"
  : >"$dir/$name.heard"
  : >"$dir/$name.err"
  nc "$@" <"$dir/$name.say" >"$dir/$name.heard" 2>"$dir/$name.err" &
  peer_pids[$name]=$!
  exec {fd}>"$dir/$name.say"
  peer_fds[$name]=$fd
  peer_read[$name]=0
}

say() { printf '%s\n' "${@:2}" >&"${peer_fds[$1]}"; }  # NAME LINE...

# NAME PATTERN: waits for the next line that fits, which is $heard then.
hear() {
  wait_for has_heard "$1" "$2"
}
has_heard() {
  local name=$1 pattern=$2 whole text
  whole=$(wc -l <"$dir/$name.heard")
  while ((peer_read[$name] < whole)); do
    peer_read[$name]=$((peer_read[$name] + 1))
    text=$(sed -n "${peer_read[$name]}p" "$dir/$name.heard")
    # shellcheck disable=SC2053
    [[ $text == $pattern ]] && { heard=$text; return 0; }
  done
  return 1
}

# NAME: has the other end closed the connection? (proc_net_tcp(5): 01 is an open one)
dropped() {
  local inode
  gone "${peer_pids[$1]}" && return
  for inode in $(readlink "/proc/${peer_pids[$1]}/fd/"* | sed -n 's/^socket:.\(.*\).$/\1/p'); do
    grep -q "^ *[0-9]*: [^ ]* [^ ]* 01 .* $inode " /proc/net/tcp && return 1
  done
  return 0
}

close_peer() {  # NAME
  local fd=${peer_fds[$1]} pid=${peer_pids[$1]}
  unset "peer_fds[$1]" "peer_pids[$1]"
  exec {fd}>&-
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

# NAME [CPU [MEM]]: a worker made of netcat, up after this. It beats once, so the master of this
# story wants --heartbeat 60s. CPU and MEM are percentages.
fake_worker() {
  open_peer "$1" 127.0.0.1 "$port"
  hear "$1" 'DM proto=1 *'
  say "$1" "HELLO proto=1 name=$1"
  hear "$1" 'WELCOME *'
  say "$1" 'INFO os=Linux arch=x86_64 cpus=4' 'SYNCED'
  fake_beat "$@"
  wait_for worker_is "$1" up
}
fake_beat() {
  say "$1" "HEARTBEAT seq=1 cpu=${2:-10} mem_used=${3:-10} mem_total=100 disk_free=99000000000"
}

# PORT FIRST LINE: says the first line, then the other one for ever, and never reads an answer. Ends
# when it is cut off.
deafen() {
  local fd
  trap - EXIT ERR
  exec {fd}<>"/dev/tcp/127.0.0.1/$1"
  printf '%s\n' "$2" >&"$fd"
  exec yes "$3" 1>&"$fd" 2>/dev/null
}

# The value of a field in $heard.
heard_field() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<"$heard "; }

count_is() { (($("${@:2}" | wc -l) == $1)); }  # N COMMAND...: does it print so many lines?
