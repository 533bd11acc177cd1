#!/bin/bash
# The main job in one sitting: copy, launch, look, stop, kill, start, read the log, delete; on two
# workers, by the client and by netcat.
. "$(dirname "$0")/lib.sh"

app greet <<'END'
trap 'echo "goodbye"; exit 0' INT
echo "hello $1 from $DM_INSTANCE"
while :; do sleep 0.1; done
END

start_master
start_worker w1
start_worker w2
dm workers
expect_error 'dm: insecure: no secret, loopback only'
expect_line 'NAME*STATE*ADDRESS*BEAT*CPU%*MEM%*LOAD*INST*'
expect_line 'w1 *up *'
expect_line 'w2 *up *'
expect_lines 3
dm workers --json
expect_json
expect_lines 2

# copy: a line per worker; a second time nothing travels.
dm copy apps/greet
expect_line 'greet version ????????????: 1 file, *'
expect_line 'w1: 1 file sent, 0 already there, *'
expect_line 'w2: 1 file sent, 0 already there, *'
dm copy apps/greet
expect_line 'w1: 0 files sent, 1 already there, *'
talk "copy $dir/apps/greet"
expect_line ' w2: 0 files sent, 1 already there, *'
expect_line 'OK'
dm describe greet
expect_line 'On workers: *w[[]1-2[]]'

# launch: on a worker by name, and by load; the words that ps shows.
dm launch greet --on w2 -- 'wide world'
expect_line 'greet.1 w2 [0-9]*'
pid=$(awk '{ print $3 }' "$dir/out")
lives "$pid" || fail "no process $pid"
same "$(pid_of greet.1)" "$pid"
wait_for log_says greet.1 'hello wide world from greet.1'
talk 'launch greet --on w1 -- again'
expect_line ' greet.2 w1 [0-9]*'
expect_line 'OK'
wait_for is greet.1 sleeping
dm ps
expect_line 'INSTANCE*WORKER*PID*STATE*UPTIME*RESTARTS*CPU%*RSS*REASON'
expect_line "greet.1 *w2 *$pid *sleeping *"
talk 'ps greet'
expect_line ' greet.2 *w1 *'
dm ps w2
expect_line "greet.1 *"
same "$(field ps greet.1 started_at | tr '0-9' 'd' | cut -c1-19)" dddd-dd-ddTdd:dd:dd

# usage: of the living, with their descendants, and of each worker.
dm usage
expect_line 'INSTANCE*WORKER*CPU%*USER*SYSTEM*RSS*MAXRSS'
expect_line 'greet.1 *w2 *'
expect_line 'WORKER *CPU% *MEMORY *REAPED *'
expect_line 'w1 *'

# stop, gracefully: the answer comes when the tree is gone, and ps says so at once.
dm stop greet.1
expect_line 'greet.1: stopped by operator: SIGINT, exit code 0'
gone "$pid" || fail "process $pid still lives"
same "$(state_of greet.1)" dead
same "$(reason_of greet.1)" 'stopped by operator: SIGINT, exit code 0'
same "$(field ps greet.1 exit_code)" 0
same "$(field ps greet.1 desired)" stopped
dm ps
expect_no_line 'greet.1 *'
dm ps --all
expect_line 'greet.1 *dead *stopped by operator: SIGINT, exit code 0'
log_says greet.1 goodbye || fail "the app was not asked to go"

# start: the next run of the same instance; its log is a new one, the previous stays.
dm start greet.1
expect_line 'greet.1 w2 [0-9]*'
same "$(field ps greet.1 run)" 2
wait_for log_says greet.1 'hello *'
! log_says greet.1 goodbye || fail "the log of run 1 is in that of run 2"
dm logs greet.1 -p
expect_line goodbye

# kill; killing what is dead is no error.
pid=$(pid_of greet.1)
talk 'kill greet.1'
expect_line ' greet.1: killed by operator: SIGKILL'
expect_line OK
gone "$pid" || fail "process $pid still lives"
same "$(field ps greet.1 signal)" SIGKILL
same "$(field ps greet.1 exit_code)" null
dm kill greet.1
expect_line 'greet.1 is dead already: killed by operator: SIGKILL'

# Listings are JSON whatever stands in them; instances keep their numbers.
odd=$'quote" back\\slash \t tab \e[31m caf\xc3\xa9 \xff\xfe'
dm launch greet --on w1 --env "ODD=$odd" -- "$odd"
expect_line 'greet.3 *'
for listing in 'ps --all' usage workers events 'describe greet' 'describe greet.3' 'describe w1'; do
  # shellcheck disable=SC2086
  dm $listing --json
  expect_json
done
dm describe greet.3
expect_line 'Arguments: *caf*'
! grep -q $'\e' "$dir/out" || fail "a control character reached the terminal"

# delete: refused while something runs; then nothing of it is left, neither here nor there.
dm_fails 1 delete greet
expect_error '*greet.[[]2-3[]] still runs*'
talk 'delete greet'
expect_line 'ERR busy *'
dm delete greet --force
expect_line 'w1: deleted'
expect_line 'w2: deleted'
expect_line 'master: deleted'
for root in w1 w2; do
  same "$(find "$dir/$root/apps" "$dir/$root/work" "$dir/$root/logs" -mindepth 1 | wc -l)" 0
  same "$(find "$dir/$root/blobs" -type f | wc -l)" 0
done
same "$(find "$dir/master/blobs" -type f | wc -l)" 0
dm_fails 3 launch greet
dm_fails 3 describe greet
dm events -n 1000
expect_line '*launch*greet*'

# What cannot be: the exit code tells which way.
dm_fails 2 lunch greet
expect_error "*did you mean 'launch'*"
dm_fails 2 launch
dm_fails 2 ps --jsn
dm_fails 3 ps nosuch
dm_fails 3 stop nosuch.1
dm_fails 3 logs nosuch.1
dm_fails 3 describe nosuch
talk 'launch nosuch'
expect_line 'ERR not-found *'
"$DM_BIN_DM" --connect "$dir/nobody.sock" ps >out 2>err && fail "there is no master there"
[[ $? == 4 ]] || fail "exit status of an unreachable master"
