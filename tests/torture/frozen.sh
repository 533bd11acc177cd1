#!/bin/bash
# An agent, then agent and supervisor, stopped by SIGSTOP longer than two beats: the master calls the
# worker lost meanwhile, the apps go on, and after SIGCONT everything is as it was and nothing ran
# twice. Then the master.
. "$(dirname "$0")/lib.sh"
app work <<APP
echo run >>$dir/runs.\$DM_INSTANCE
exec sleep 1000
APP
start_master --heartbeat 200ms --move-after 60s
start_worker w1
dm launch apps/work --on w1 --count 3
dm launch work --on w1 --restart always
for i in 1 2 3 4; do pid[i]=$(pid_of "work.$i"); done
supervisor=$(supervisor_pid w1)

# An app that is alive has still to write its line.
has_lines() { [[ -e $1 ]] && (($(wc -l <"$1") >= $2)); }  # FILE N
thaw() { kill -CONT "${pids[w1]}" "$supervisor"; }
for frozen in "${pids[w1]}" "${pids[w1]} $supervisor"; do
  # shellcheck disable=SC2086
  kill -STOP $frozen
  wait_for worker_is w1 lost
  for i in 1 2 3 4; do lives "${pid[i]}" || fail "work.$i has ended"; done
  dm_fails 1 launch work --on w1
  # One ends meanwhile: it is told of afterwards, once.
  kill -KILL "${pid[4]}"
  thaw
  wait_for worker_is w1 up
  again() { is_alive work.4 && [[ $(pid_of work.4) != "${pid[4]}" ]]; }
  wait_for again
  pid[4]=$(pid_of work.4)
  for i in 1 2 3; do
    wait_for is_alive "work.$i"
    wait_for has_lines "runs.work.$i" 1
    same "$(pid_of "work.$i")" "${pid[i]}"
    same "$(wc -l <"runs.work.$i")" 1
  done
done
same "$(field ps work.4 run)" 3
wait_for has_lines runs.work.4 3
same "$(wc -l <runs.work.4)" 3
same "$(count_events 'work.4 on w1: killed by SIGKILL, not by dm')" 2
same "$(find . -maxdepth 1 -name 'runs.work.*' | wc -l)" 4

# The master: its workers have given up on it meanwhile, and come back; no app notices.
kill -STOP "${pids[master]}"
wait_for says w1.log '*the master*s beats stay away*'
kill -CONT "${pids[master]}"
wait_for worker_is w1 up
for i in 1 2 3 4; do
  wait_for is_alive "work.$i"
  same "$(pid_of "work.$i")" "${pid[i]}"
done
dm stop all
