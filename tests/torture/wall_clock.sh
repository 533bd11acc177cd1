#!/bin/bash
# The wall clock of master and worker is moved by a day, ahead and back: nobody is lost, nothing is
# restarted, back-offs and deadlines go on, and what is written stays readable.
. "$(dirname "$0")/lib.sh"
DM_CLOCK=${DM_CLOCK:-$build/tests/libdm-wall-clock.so}
[[ -e $DM_CLOCK ]] || skip "no clock can be preloaded into this build"
echo 0 >clock
export DM_WALL_CLOCK=$dir/clock
moved() {  # SECONDS
  echo "$1" >clock.new
  mv clock.new clock
}
app work <<'APP'
trap 'exit 0' INT
echo begun
while :; do sleep 0.1; done
APP
app quick <<'APP'
exit 1
APP
LD_PRELOAD=$DM_CLOCK start_master --heartbeat 200ms --move-after 1s
LD_PRELOAD=$DM_CLOCK start_worker w1
dm copy apps/work
dm copy apps/quick
dm launch work --on w1
pid=$(pid_of work.1)
dm launch quick --on w1 --restart always
beat_is_new() { [[ $(field workers heartbeat_age_ms) =~ ^[0-9]{1,3}$ ]]; }
runs() { field ps quick.1 run; }
more_runs() { (($(runs) > before)); }
for by in 86400 0 -86400; do
  moved "$by"
  before=$(runs)
  wait_for more_runs  # a back-off that counted the wall clock would take a day
  wait_for beat_is_new
  worker_is w1 up || fail "the worker is not up, $by s later"
  same "$(pid_of work.1)" "$pid"
  log_says work.1 begun || fail "no log"
  dm history quick --since 1h
done
same "$(count_events ' worker-lost ')" 0
same "$(count_events ' worker-up ')" 1
seen=$("$DM_BIN_DM" --connect "$control" events --json | grep -c "$(date -u -d '+1 day' +%Y-%m-%d)" || true)
((seen > 0)) || fail "its clock was never moved: this proves nothing"
dm stop work.1 --timeout 5s
dm kill quick.1
stop_program master
LD_PRELOAD=$DM_CLOCK start_master --heartbeat 200ms
wait_for worker_is w1 up
"$DM_BIN_MASTER" --check "$dir/master" >out
