#!/bin/bash
# The logs of all instances of an app are one text: in order of time, each line behind its name,
# followed, saved; a worker that cannot be reached leaves it partial, and that is said.
. "$(dirname "$0")/lib.sh"

app talker <<'END'
echo "begin $1"
until [ -e "$2.1" ]; do sleep 0.02; done
printf 'middle %s\nunfinished %s' "$1" "$1"
until [ -e "$2.2" ]; do sleep 0.02; done
exit 0
END
app flood <<'END'
i=0; while [ $i -lt 40000 ]; do i=$((i + 1)); echo "$1 $i ........................................"; done
END
start_master --heartbeat 400ms
start_worker w1
start_worker w2
dm copy apps/talker
dm_fails 3 logs talker
dm launch talker --on w1 -- a "$dir/a"
dm launch talker --on w2 -- b "$dir/b"
dm launch talker --on w1 -- c "$dir/c"
for i in 1 2 3; do wait_for log_says "talker.$i" 'begin ?'; done

# -f: what comes later comes later, although the others are silent; it ends with the last of them.
: >followed
"$DM_BIN_DM" --connect "$control" logs talker -f >followed 2>err &
follower=$!
wait_for count_is 3 cat followed
same "$(sort followed)" $'talker.1 | begin a\ntalker.2 | begin b\ntalker.3 | begin c'
touch b.1
wait_for says followed 'talker.2 | middle b'
# A line without its newline is shown too: it may be a question.
wait_for says followed 'talker.2 | unfinished b'
touch b.2
# The marks of a log are a second apart.
since=$(date +%s%3N)
later() { (($(date +%s%3N) - since >= 4500)); }
wait_for later
touch a.1 a.2 c.1 c.2
wait "$follower" || fail "the follower ended with $?"
for i in 1 2 3; do wait_for is "talker.$i" dead; done
same "$(wc -l <followed)" 9
same "$(tail -c 1 followed | od -An -c | tr -d ' ')" '\n'

# The past: the same lines, those of b before the last of a and c.
dm logs talker
same "$(sort out)" "$(sort followed)"
same "$(sed -n '4,5p' out)" $'talker.2 | middle b\ntalker.2 | unfinished b'
same "$(sed -n '6,9p' out | sort)" $'talker.1 | middle a\ntalker.1 | unfinished a\ntalker.3 | middle c\ntalker.3 | unfinished c'
dm logs app/talker -n 1 -t
expect_lines 3
expect_line 'talker.2 | 20??-??-??T??:??:??.???Z unfinished b'
same "$(sed 's/| [0-9-]*T[0-9:.]*Z /| /' out | sort)" $'talker.1 | unfinished a\ntalker.2 | unfinished b\ntalker.3 | unfinished c'
dm logs talker --since "$(($(date +%s%3N) - since - 3500))ms"
same "$(grep -v 'unfinished b' out | sort)" $'talker.1 | middle a\ntalker.1 | unfinished a\ntalker.3 | middle c\ntalker.3 | unfinished c'
dm logs talker -o saved
dm logs talker
cmp saved out
talk 'logs talker -n 1'
expect_line ' talker.3 | unfinished c'
expect_line OK
dm_fails 2 logs talker -p
dm_fails 2 logs talker --run 1
# One instance stays as it is, byte for byte.
dm logs talker.2
printf 'begin b\nmiddle b\nunfinished b' | cmp - out

# More than anybody holds at once, all of it, in the order of each; a slow reader costs no memory.
dm copy apps/flood
for worker in w1 w2; do dm launch flood --on "$worker" -- "of $worker"; done
for i in 1 2; do wait_for is "flood.$i" dead; done
"$DM_BIN_DM" --connect "$control" logs flood | { read -r first; sleep 1; echo "$first"; cat; } >all
same "$(wc -l <all)" 80000
for i in 1 2; do
  grep "^flood.$i | of w$i " all | cut -d' ' -f5 | cmp - <(seq 40000) || fail "flood.$i has holes"
done
stays_small master

# A worker that is gone: what can be had, what is missing, and a status that says so.
kill -STOP "${pids[w2]}"
wait_for worker_is w2 lost
dm_fails 1 logs talker
expect_lines 9
same "$(head -n 3 out)" $'talker.2 | begin b\ntalker.2 | middle b\ntalker.2 | unfinished b'
expect_error 'dm: talker.2: worker w2 is lost: the last 29 bytes of run 1, as of 20??-*Z, are all of its log that is here'
rm master/tails/talker.2
dm_fails 1 logs talker
expect_lines 6
expect_no_line 'talker.2 *'
expect_error 'dm: talker.2: worker w2 is lost: its log is missing'
: >followed
dm launch talker --on w1 -- d "$dir/d"
status=0
"$DM_BIN_DM" --connect "$control" logs talker -f >followed 2>err &
follower=$!
wait_for says followed 'talker.4 | begin d'
touch d.1 d.2
wait "$follower" || status=$?
same "$status" 1
wait_for says followed 'talker.4 | unfinished d'
kill -CONT "${pids[w2]}"
wait_for worker_is w2 up
