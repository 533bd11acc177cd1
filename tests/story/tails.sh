#!/bin/bash
# Why did it die? The last lines of a run are known after its worker is gone, and after the master
# was started again; they go with the instance.
. "$(dirname "$0")/lib.sh"

app work <<'END'
i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); echo "line $i"; done
printf 'the \033[31mreason'
exit 3
END
app loop <<'END'
echo "run $DM_RUN"
exit 1
END
start_master --heartbeat 400ms
start_worker w1
start_worker w2
dm copy apps/work
dm copy apps/loop --to w2
dm launch work --on w1
dm launch work --on w2
dm launch loop --on w2 --restart always
# All of it; what came with the report of the end is a part.
tail_is_kept() { [[ -e master/tails/$1 ]] && ! head -n 1 "master/tails/$1" | grep -q ' part=1'; }
wait_for tail_is_kept work.1
wait_for tail_is_kept work.2
wait_for tail_is_kept loop.1
dm logs work.1
cp out whole
# The file is there a moment before the master's core hears of it.
is_described() { dm describe work.1 && says out 'Last lines of run 1:'; }
wait_for is_described
expect_line '  line 20000'
expect_line '  the \\x1B*reason'
expect_no_line '  line 19996'

# Killed when it knew of an end but could not keep the log's yet: its next start asks for it.
mkdir -p master/tails/work.3.new/in_the_way
dm launch work --on w1
wait_for is work.3 dead
stop_program master KILL || true
! tail_is_kept work.3 || fail "nothing was in its way"
rm -r master/tails/work.3.new
start_master --heartbeat 400ms
wait_for tail_is_kept work.3
wait_for worker_is w2 up

# The machine is gone, with everything on it: in the moment in which an end is known, too.
destroy() {  # WORKER
  local supervisor pid
  # grep(1) fails if another process ends while it looks.
  supervisor=$(grep -lsz -e "^$dir/$1" /proc/[0-9]*/cmdline | cut -d/ -f3 || true)
  [[ -n $supervisor ]] || fail "no supervisor"
  for pid in ${pids[$1]} $supervisor; do kill -KILL "$pid" 2>/dev/null || true; done
  wait "${pids[$1]}" 2>/dev/null || true
  unset "pids[$1]" "roots[$1]"
}
destroy w1
wait_for worker_is w1 lost
start_worker w3
dm copy apps/work --to w3
dm launch work --on w3
wait_for is work.4 dead
destroy w3
wait_for worker_is w3 lost
dm logs work.4
same "$(tail -c 6 out)" reason
(($(wc -c <out) >= 8000)) || fail "only $(wc -c <out) bytes are left"
check_kept() {
  dm logs work.3
  tail -c 65536 whole | cmp - out
  dm logs work.1
  same "$(wc -c <out)" 65536
  tail -c 65536 whole | cmp - out
  expect_error 'dm: worker w1 is lost: the last 65536 bytes of run 1, as of 20??-*Z'
  dm logs work.1 -n 1
  printf 'the \033[31mreason' | cmp - out
  dm_fails 1 logs work.1 -f
  expect_error '*worker w1 is lost*'
  dm_fails 1 logs work.1 --run 2
  dm describe work.1
  expect_line '  line 20000'
}
check_kept
stop_program master KILL || true
: >master/tails/work.9
start_master --heartbeat 400ms
wait_for worker_is w1 lost
check_kept
! tail_is_kept work.9 || fail "what belongs to no instance is kept"

# Without one, it is as it was.
rm master/tails/work.1
dm_fails 1 logs work.1
expect_error 'dm: worker w1 is lost'

# An instance that is deleted leaves nothing.
wait_for worker_is w2 up
dm stop loop
dm delete loop
wait_for eval '! tail_is_kept loop.1'
tail_is_kept work.2 || fail "that of another app is gone"
