#!/bin/bash
# logs -f goes on into the next run, with a line on standard error, until the instance is stopped.
. "$(dirname "$0")/lib.sh"

app again <<'END'
echo "run $DM_RUN"
until [ -e "$1.$DM_RUN" ]; do sleep 0.02; done
exit 1
END
start_master
start_worker w1
dm launch apps/again --restart always -- "$dir/end"
follow() {  # NAME WORD...: in the background, to NAME.out and NAME.err
  "$DM_BIN_DM" --connect "$control" logs "${@:2}" -f >"$1.out" 2>"$1.err" &
  followers[$1]=$!
}
declare -A followers
wait_for log_says again.1 'run 1'
follow one again.1
follow app again
follow first again.1 --run 1
for name in one first; do wait_for says "$name.out" 'run 1'; done
wait_for says app.out 'again.1 | run 1'
touch end.1
wait_for says one.out 'run 2'
wait_for says app.out 'again.1 | run 2'
says one.err 'dm: again.1: run 2 follows' || fail "nothing tells that another run follows"
wait "${followers[first]}" || fail "the end of --run 1 is no success"
same "$(cat first.out)" 'run 1'
touch end.2
wait_for says one.out 'run 3'
dm stop again
for name in one app; do
  wait "${followers[$name]}" || fail "$name ended with $?: $(cat "$name.err")"
done
same "$(cat one.out)" $'run 1\nrun 2\nrun 3'
