#!/bin/bash
# The master is killed as it enters each system call that changes its state while it copies, launches,
# stops and deletes on a real worker. What got OK holds in the next life, nothing was launched
# twice, and what was stopped stays so. A command
# without an answer may have had its effect, or not.
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0  # which takes a tracer of its own
"$DM_KILLER" 1000000 "$dir" true >out 2>&1 || skip "nothing may be traced here: $(cat out)"

app work <<APP
echo \$\$ >>$dir/runs/\$DM_INSTANCE.\$DM_RUN
exec sleep 1000
APP
cp apps/work apps/other
mkdir runs

tell() { "$DM_BIN_DM" --connect "$control" "$@" >out 2>err </dev/null; }
tells() {
  tried=$1
  tell "$@" && acknowledged+=("$*")
}

# N: a master that ends with the Nth change, and a worker; what got OK is in $acknowledged.
life() {
  rm -rf master w1 runs/*
  acknowledged=()
  : >master.log
  "$DM_KILLER" "$1" "$dir/master/" "$DM_BIN_MASTER" --insecure --no-shell \
    --listen "127.0.0.1:${port:-0}" --state "$dir/master" >killer.log 2>master.log </dev/null &
  pids[master]=$!
  until says master.log 'dm-master: control on *'; do lives "${pids[master]}" || return 0; done
  port=$(sed -n 's/^dm-master: listening on .*:\([0-9]*\)$/\1/p' master.log)
  begin_worker w1
  until worker_is w1 up; do lives "${pids[master]}" || return 0; done
  tells copy apps/other || true
  tells launch apps/work --on w1 --count 2 || true
  tells stop work.1 || true
  tells delete other || true
}

settled() { tell ps --all && ! grep -Eq ' (starting|stopping|unknown) ' out; }

holds() {  # COMMAND: what got OK is so
  case $1 in
    copy*) [[ $tried == delete ]] || grep -q . w1/apps/other/*/bin/other ;;
    launch*) tell describe work.1 && tell describe work.2 && is_alive work.2 ;;
    stop*) is work.1 dead ;;
    delete*) [[ ! -e w1/apps/other ]] && ! tell describe app/other ;;
  esac
}

life 0
same "${#acknowledged[@]}" 4
end_killer 0
calls=$(sed -n 's/^ended after \([0-9]*\) calls$/\1/p' killer.log)
end_worker() {
  [[ -n ${pids[w1]:-} ]] || return 0
  stop_program w1 || true
  "$DM_BIN_WORKER" --root "$dir/w1" --stop-apps 2>err
}
end_worker

points=0
# The first ones are those of the start, which another story has.
for ((n = 14; n < calls; n++)); do
  life "$n"
  # Threads come in another order each time, and batches with them: it may be a few calls less.
  end_killer 137 || { end_worker; continue; }
  points=$((points + 1))
  where="$(cat killer.log)"
  start_master
  [[ -n ${pids[w1]:-} ]] || begin_worker w1
  wait_for worker_is w1 up
  wait_for settled
  for what in "${acknowledged[@]}"; do wait_for holds "$what"; done
  for file in runs/*; do
    [[ -e $file ]] || continue
    wait_for test -s "$file"  # it has been opened, and the line may yet come
    same "$(wc -l <"$file")" 1
    [[ $file != *.2 ]] || fail "$where: ${file#runs/} is a second run"
  done
  tell launch apps/work --on w1 || fail "$where: the next life launches nothing: $(cat err)"
  stop_program master || fail "$where: the next life ended with $?"
  end_worker
done
((points > 5)) || fail "only $points of $calls points were reached"
echo "$points points of $calls"
