#!/bin/bash
# A program that opens its output by name truncates its log: it runs all the same, what is left is
# shown, and that something is gone is told.
. "$(dirname "$0")/lib.sh"

app named <<'APP'
echo one
echo two
echo three >/dev/stderr
echo four
echo five >&2
APP
app plain <<'APP'
echo one
echo two >>/dev/stderr
echo three
APP

start_master --insecure
start_worker w1
dm launch ./apps/named
wait_for is named.1 dead
dm logs named.1
printf 'three\nfour\nfive\n' | cmp - out
expect_error 'dm: *bytes cut at offset 0*'
dm logs named.1 -n 1
same "$(cat out)" five
cmp /dev/null err
# Appending by name loses nothing.
dm launch ./apps/plain
wait_for is plain.1 dead
dm logs plain.1
printf 'one\ntwo\nthree\n' | cmp - out
cmp /dev/null err
# A log of which much is known says how much is gone.
app chatty <<'APP'
seq 1 1000
until [ -e "$1" ]; do sleep 0.05; done
echo end >/dev/stdout
APP
dm launch ./apps/chatty -- "$dir/go"
wait_for log_says chatty.1 1000
wait_for test -s "w1/logs/chatty.1.1.times"
touch "$dir/go"
wait_for is chatty.1 dead
dm logs chatty.1
same "$(cat out)" end
expect_error "dm: *$(seq 1 1000 | wc -c) bytes cut at offset 0*"
