#!/bin/bash
# Below its --disk-floor a worker takes no new work and says why; what runs there runs on.
. "$(dirname "$0")/lib.sh"
percent_free=$((100 - $(df --output=pcent "$dir" | tail -n 1 | tr -dc 0-9)))
((percent_free > 10 && percent_free < 98)) || skip "$percent_free % of the disk are free"

app tiny <<'END'
exec sleep 1000
END
start_master
start_worker w1 --disk-floor 1%
dm copy apps/tiny
dm launch tiny --on w1
pid=$(pid_of tiny.1)
stop_program w1
start_worker w1 --disk-floor 99%
start_worker w2 --disk-floor 0%
low() { [[ $(field describe worker/w1 available) == false ]]; }
wait_for low
dm workers
expect_line 'w1 *up,disk-low *'
expect_line 'w2 *up *'
same "$(grep -c '^dm-worker: the disk of w1 is nearly full: ' w1.log)" 1
dm describe worker/w1
expect_line 'Available:*no: disk nearly full*'

# Chosen is who has room; who is named says no, in words.
dm launch tiny
expect_line 'tiny.2 w2 *'
dm_fails 1 launch tiny --on w1
expect_error '*the disk of w1 is nearly full: * free, it takes no new work below 99 %*'
talk 'launch tiny --on w1'
expect_line 'ERR no-space *'
app other <<'END'
exec sleep 1000
END
talk "copy $dir/apps/other --to w1"
expect_line 'ERR no-space *'
[[ ! -e w1/apps/other ]] || fail "w1 took files"

# The old is untouched, and can be ended.
lives "$pid" || fail "tiny.1 has ended"
dm stop tiny.1
gone "$pid" || fail "it is stopped, but lives"

dm stop all
status=0
"$DM_BIN_WORKER" --insecure --master 127.0.0.1:1 --disk-floor much 2>err || status=$?
same "$status" 100
expect_error '*--disk-floor*5%*'
