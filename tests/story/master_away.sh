#!/bin/bash
# While the master is away nothing stops: apps run, exit and are restarted, logs are written. When it
# is back it hears of every end, once and in order.
. "$(dirname "$0")/lib.sh"

app work <<'EOF'
echo "run $DM_RUN"
read -r code <"$1.$DM_RUN"
echo "told $code"
exit "$code"
EOF
# One for each run: the next one could be in time to see the end of what the one before was told.
mkfifo "$dir"/tell{1,2,3,4,5}.{1,2,3,4}

# N RUN: is it there? The master cannot be asked.
runs() { [[ -e $dir/w1/logs/work.$1.$2 ]] && says "$dir/w1/logs/work.$1.$2" "run $2"; }

start_master
start_worker w1
dm copy apps/work
dm launch work --on w1 -- "$dir/tell1"
pid1=$(pid_of work.1)

number=1
for signal in KILL TERM; do
  dies=$((number + 1)) ends=$((number + 2))
  number=$ends
  dm launch work --on w1 --restart on-failure -- "$dir/tell$dies"
  dm launch work --on w1 -- "$dir/tell$ends"
  stop_program master "$signal" || true
  # Three runs of the one, each told to fail; the end of the other.
  for run in 1 2 3; do
    wait_for runs "$dies" "$run"
    echo "1$run" >"$dir/tell$dies.$run"
  done
  wait_for runs "$ends" 1
  echo 9 >"$dir/tell$ends.1"
  wait_for says "$dir/w1/logs/work.$ends.1" 'told 9'
  wait_for runs "$dies" 4
  start_master
  wait_for worker_is w1 up
  wait_for is_alive "work.$dies"
  same "$(field ps "work.$dies" run)" 4
  wait_for is "work.$ends" dead
  same "$(reason_of "work.$ends")" 'exit code 9'
  "$DM_BIN_DM" --connect "$control" events -n 10000 >out 2>/dev/null
  same "$(sed -n "s/.*exited  *work.$dies on w1: exit code //p" out | tr '\n' ' ')" '11 12 13 '
  same "$(pid_of work.1)" "$pid1"
  for run in 1 2 3; do
    dm logs "work.$dies" --run "$run"
    expect_line "told 1$run"
  done
done

same "$(count_events 'work.4 on w1: exit code')" 3
dm stop all
