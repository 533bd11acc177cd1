#!/bin/bash
# Logs come back byte for byte, by line counts, by runs, while they grow; a reader that is slow
# delays nobody, and a long log costs no memory.
. "$(dirname "$0")/lib.sh"

app writer <<'END'
case $1 in
  odd) printf 'first\n\0\001\377\r\033[31m line\n\nlast without end' ;;
  lines) i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); echo "line $i of run $DM_RUN"; done ;;
  waits) echo begin; while [ ! -e "$2" ]; do sleep 0.05; done; printf 'end, unfinished'; exit 3 ;;
  both) echo out; echo err >&2 ;;
  long) head -c 200000000 /dev/zero; echo; echo done; exec sleep 1000 ;;
esac
END
start_master
start_worker w1
dm copy apps/writer
launch() {
  dm launch writer --on w1 --log-max 300M -- "$@"
  name=$(awk '{ print $1 }' out)
}

launch odd
wait_for is "$name" dead
printf 'first\n\0\001\377\r\033[31m line\n\nlast without end' >want
dm logs "$name"
cmp want out
talk "logs $name"
expect_line ' first'
expect_line 'OK'
dm logs "$name" -o saved
cmp want saved
expect_lines 0
dm logs "$name" -n 1
printf 'last without end' | cmp - out
dm logs "$name" -n 2
printf '\nlast without end' | cmp - out
dm logs "$name" -n 0
cmp /dev/null out
dm logs "$name" -n 99
cmp want out

launch lines
wait_for is "$name" dead
dm logs "$name" -n 3
same "$(cat out)" $'line 998 of run 1\nline 999 of run 1\nline 1000 of run 1'
dm logs "$name"
expect_lines 1000
dm_fails 3 logs "$name" -p
dm start "$name"
wait_for is "$name" dead
dm logs "$name" -n 1
same "$(cat out)" 'line 1000 of run 2'
dm logs "$name" -p -n 1
same "$(cat out)" 'line 1000 of run 1'
dm logs "$name" --run 1 -n 1
same "$(cat out)" 'line 1000 of run 1'
dm_fails 3 logs "$name" --run 3
launch both
wait_for is "$name" dead
dm logs "$name"
same "$(sort out)" $'err\nout'

# -f shows what comes, and ends with the run.
launch waits "$dir/go"
: >followed
"$DM_BIN_DM" --connect "$control" logs "$name" -f >followed 2>err &
follower=$!
wait_for says followed begin
touch go
wait "$follower" || fail "the follower ended with $?"
printf 'begin\nend, unfinished' | cmp - followed
same "$(reason_of "$name")" 'exit code 3'
dm logs "$name" -f
cmp followed out

# A follower that reads nothing, by dm and by netcat: nobody else waits, nothing grows.
launch long
wait_for log_says_last "$name" done
mkfifo nobody nobody2
exec {hold}<>nobody {hold2}<>nobody2
"$DM_BIN_DM" --connect "$control" logs "$name" -f >nobody 2>err &
slow=$!
printf 'logs %s -f\n' "$name" | nc -U "$control" >nobody2 &
slow2=$!
for ((i = 0; i < 5; i++)); do
  dm logs "$name" -n 1
  same "$(cat out)" done
  worker_is w1 up || fail "w1 suffers from a slow reader"
done
launch both
wait_for is "$name" dead
kill "$slow" "$slow2"
wait "$slow" "$slow2" || true

# All of it, through everybody, and none of them keeps it.
size=$("$DM_BIN_DM" --connect "$control" logs writer.5 | wc -c)
same "$size" 200000006
stays_small master w1
