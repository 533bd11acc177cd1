#!/bin/bash
# Logs stay within their budgets: the oldest part goes and is counted, the writer loses no line, a
# follower sees everything that it is in time for, and no hole is ever read as NULs.
. "$(dirname "$0")/lib.sh"

app counter <<'END'
case $1 in
  # Some 350 KB in steps, each of which waits to be allowed.
  steps)
    i=0
    for step in 1 2 3 4 5 6 7; do
      until [ -e "$2.$step" ]; do sleep 0.02; done
      seq -f "line %08g of a log that is to be cut from its front" $i $((i + 999))
      i=$((i + 1000))
    done
    echo done; exec sleep 1000 ;;
  once) head -c 30000 /dev/zero | tr '\0' "$DM_RUN"; echo ;;
  flood) exec yes 'a flood of the same words again and again' ;;
esac
END
start_master
start_worker w1
dm copy apps/counter
launch() {
  dm launch counter --on w1 --log-max "$1" -- "${@:2}"
  name=$(awk '{ print $1 }' out)
}
used_kb() { du -k "w1/logs/$1" | cut -f1; }
used_below() { (($(used_kb "$1") <= $2)); }

# A size that is too small, or none, is refused in words.
dm_fails 2 launch counter --log-max 1K
expect_error '*at least 64K*'
dm_fails 2 launch counter --log-max much

# The writer goes on, and so does who follows; what is left is the end, whole.
launch 128K steps "$dir/go"
"$DM_BIN_DM" --connect "$control" logs "$name" -f >followed 2>told &
follower=$!
for step in 1 2 3 4 5 6 7; do
  touch "go.$step"
  wait_for says followed "line 0000$((step - 1))999 of a log that is to be cut from its front"
done
wait_for says followed done
wait_for used_below "$name.1" 128
seq -f 'line %08g of a log that is to be cut from its front' 0 6999 >want
echo done >>want
cmp want followed
cmp /dev/null told
# Its first line in the file is the worker's own.
same "$(stat -c %s "w1/logs/$name.1")" $(($(stat -c %s want) + 7))
dm logs "$name"
expect_error 'dm: * bytes cut at offset 0'
cut=$(sed -n 's/^dm: \([0-9]*\) bytes cut at offset 0$/\1/p' err)
((cut > 0)) || fail "nothing was cut"
tail -c "+$((cut + 1))" want | cmp - out
# The last lines are all there: nothing to tell.
dm logs "$name" -n 5
tail -n 5 want | cmp - out
cmp /dev/null err
dm kill "$name"
wait "$follower" || fail "the follower ended with $?"

# Of several runs the oldest go first; the budget is of all of them.
launch 64K once
for run in 2 3 4; do
  wait_for is "$name" dead
  dm start "$name"
done
wait_for is "$name" dead
first_is_gone() { [[ ! -e w1/logs/$1.1 ]]; }
wait_for first_is_gone "$name"
dm_fails 3 logs "$name" --run 1
expect_error "*the log of run 1 of $name is gone: the oldest go first, beyond --log-max and *"
dm logs "$name" --run 4
same "$(wc -c <out)" 30001
dm logs "$name"
same "$(wc -c <out)" 30001
# The budget is known after both have been started again.
stop_program w1
stop_program master
start_master
start_worker w1
dm start "$name"
wait_for is "$name" dead
second_is_gone() { [[ ! -e w1/logs/$1.2 ]]; }
wait_for second_is_gone "$name"

# A flood fills no disk, and is told as what it is.
launch 1M flood
wait_for log_says_last "$name" 'a flood of the same words again and again'
for ((i = 0; i < 10; i++)); do
  dm logs "$name" -n 1000
  ! tr -d '\0' <out | cmp -s - out || continue
  fail "a hole was read as NULs"
done
worker_is w1 up || fail "w1 suffers from the flood"
dm kill "$name"
wait_for used_below "$name.1" 1024
dm delete counter
same "$(find w1/logs -type f)" ''
