#!/bin/bash
# A man on the path between master and worker: whatever he does to a line ends the session before
# the line has any effect; the worker dials again, and its app notices nothing.
. "$(dirname "$0")/lib.sh"

start_master --heartbeat 200ms
start_worker honest
start_worker w1
app work <<'END'
exec sleep 1000
END
dm launch apps/work --on w1
pid=$(pid_of work.1)

# WHO-NOTICED RULE: w1 runs behind a man with this rule, until it is up again in spite of it.
meddle() {
  local before
  stop_program w1
  between "$port" "$2"
  : >w1.log
  before=$(count_events ": $notice")
  begin_worker w1
  wait_for did "$2"
  case $1 in
    worker) wait_for says w1.log "*no session with the master: *$notice*" ;;
    master) wait_for more_events "$before" ": $notice" ;;
    *) wait_for says w1.log '*no session with the master: *' ;;
  esac
  wait_for worker_is w1 up
  wait_for synced
  same "$(pid_of work.1)" "$pid"
  lives "$pid" || fail "the app is gone after: $2"
}
more_events() { (($(count_events "$2") > $1)); }
synced() { [[ $(state_of work.1) == sleeping ]]; }

# To the master.
notice='a line is not what the peer sent'
for how in 'flip 12' 'flip -2' 'lose' 'twice' 'later' 'strip mac' 'strip seq' 'before BYE' \
  "before EXITED seq=1 instance=work.1 run=1 exit_code=3 reason=x"; do
  meddle master "up HEARTBEAT#2 $how"
done
meddle master 'down BEAT#2 reflect'

# To the worker.
for how in 'flip 5' 'flip -2' 'lose' 'twice' 'later' 'strip mac' 'before KILL id=1 instance=work.1' \
  'before DELETE id=1 app=work'; do
  meddle worker "down BEAT#2 $how"
done
meddle worker 'up HEARTBEAT#2 reflect'

# Cut, and in the greeting.
meddle both 'up HEARTBEAT#2 cut 20'
meddle both 'down BEAT#2 cut 3'
notice='the master did not prove that it holds the secret'
for how in 'flip 20' 'flip -2' 'strip proof' 'strip missed'; do
  meddle worker "down WELCOME $how"
done
meddle worker "down WELCOME before WELCOME cluster=$(printf '%032d' 0) heartbeat_ms=100"
notice='the master sent no nonce'
meddle worker 'down DM strip nonce'
notice='refused: not accepted'
for how in 'strip key,nonce,proof' 'strip proof' 'strip id' 'flip -2'; do
  meddle worker "up HELLO $how"
done
meddle both 'down DM flip -2'  # which may be no nonce any more

same "$(reason_of work.1)" null
same "$(count_events ' worker-left ')" "$(count_events 'said goodbye')"
worker_is honest up
same "$(count_events ' worker-up  worker honest')" 1
