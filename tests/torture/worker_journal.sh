#!/bin/bash
# The worker's journal cannot be written or synced, at each of its first calls: the agent says why
# and ends with 111 at once, without a second try, its apps go on under the supervisor. The next
# agent takes the same processes over: nothing runs twice, no end is lost, and what got OK is so.
. "$(dirname "$0")/lib.sh"
mkdir runs
app work <<APP
echo \$\$ >>$dir/runs/\$DM_INSTANCE.\$DM_RUN
exec sleep 1000
APP
start_master --heartbeat 500ms
start_worker w1
supervisor=$(supervisor_pid w1)
dm copy apps/work --to w1
launch() {  # COMMAND...: a launch that gets OK; the instance is $launched
  dm launch work --on w1 "$@"
  launched=$(sed -n 's/^\(work\.[0-9]*\) .*/\1/p' out)
}
launch
oldest=$launched oldest_pid=$(pid_of "$oldest")

# In the background: nobody knows when the agent ends, and the answers come from the next one.
ask() {  # NAME WORD...
  "$DM_BIN_DM" --connect "$control" "${@:2}" >"said.$1" 2>"said.$1.err" </dev/null &
  asked+=("$!")
}
is_over() { lives "${pids[w1]}" || return 0; worker_is w1 up; }
settled() { ! "$DM_BIN_DM" --connect "$control" ps --all | grep -Eq ' (starting|stopping|unknown) '; }
marked() { grep -lsz -e "^HOME=$dir/w1/work/" /proc/[0-9]*/environ | cut -d/ -f3 | sort -n || true; }
alive() { "$DM_BIN_DM" --connect "$control" ps --json | sed -n 's/.*"pid":\([0-9]*\),.*/\1/p' | sort -n; }

tried=0
# POINT ERROR N: the Nth call fails and no other, so that a second try would succeed.
fails_once() {
  local stopped killed killed_pid i file name
  launch && stopped=$launched
  launch && killed=$launched
  killed_pid=$(pid_of "$killed")
  stop_program w1 KILL || true
  : >w1.log
  asked=()
  DM_BIN_WORKER=$DM_FAILING_WORKER DM_FAIL=$1:$2@$3 begin_worker w1
  wait_for is_over
  ask stop stop "$stopped"
  ask launch launch work --on w1 --count 2
  kill -KILL "$killed_pid"
  for ((i = 0; i < 100; i++)); do
    lives "${pids[w1]}" || break
    "$DM_BIN_DM" --connect "$control" launch work --on w1 >out 2>err || true
    (($3 > i)) || fail "$1:$2@$3: it goes on after $i launches: $(cat w1.log)"
  done
  ends_with w1 111
  says w1.log "dm-worker: *; nothing more can be promised, ending; apps go on" ||
    fail "it does not say why"
  lives "$supervisor" || fail "the supervisor has ended"
  lives "$oldest_pid" || fail "an app has ended"
  start_worker w1
  wait "${asked[@]}" || true
  wait_for settled
  same "$(pid_of "$oldest")" "$oldest_pid"
  # What got OK is so, whichever agent gave it.
  wait_for is "$stopped" dead
  wait_for is "$killed" dead
  same "$(count_events "$killed on w1: killed by SIGKILL, not by dm")" 1
  same "$(count_events "$stopped on w1: ")" 1
  for name in $(sed -n 's/^\(work\.[0-9]*\) .*/\1/p' said.launch); do
    is_alive "$name" || fail "$name was launched, but is $(state_of "$name")"
  done
  # What runs is what the master says, and nothing has run twice.
  same "$(marked)" "$(alive)"
  for file in runs/*; do
    (($(wc -l <"$file") <= 1)) || fail "${file#runs/} has run twice"  # or was stopped before
    [[ $file == *.1 ]] || fail "${file#runs/} is a second run"
  done
  tried=$((tried + 1))
}

for what in write:ENOSPC write:EIO sync:EIO; do
  for n in 1 2 3 4 6; do fails_once "journal.${what%:*}" "${what#*:}" "$n"; done
done
dm stop all
echo "$tried points"

# The shortened journal does not get its name: the old one goes on, and the next try succeeds.
stop_program w1 || true
: >w1.log
DM_BIN_WORKER=$DM_FAILING_WORKER DM_FAIL=journal.rename:EIO@1 start_worker w1
agent=${pids[w1]}
is_shortened() { grep -qa '^JOURNAL .*snapshot=1' w1/journal; }
app brief <<'APP'
exit 3
APP
dm copy apps/brief --to w1
long=$(printf 'x%.0s' {1..10000})
for ((i = 0; i < 60; i++)); do
  ! is_shortened || break
  dm launch brief --on w1 -- "$long" "$long" "$long" "$long"
  name=$(sed -n 's/^\(brief\.[0-9]*\) .*/\1/p' out)
  wait_for is "$name" dead
  dm delete brief --force --from w1
  dm copy apps/brief --to w1
done
is_shortened || fail "it is never shortened"
says w1.log 'dm-worker: cannot shorten the journal: rename *; it goes on as it is' ||
  fail "it does not say that it failed once"
same "${pids[w1]}" "$agent"
lives "$agent" || fail "the agent has ended"
launch
stop_program w1 || true
start_worker w1
is_alive "$launched" || fail "the next agent does not know $launched"
