#!/bin/bash
# A command ends where its quotes end: a newline within them belongs to the word, and the line
# behind it is never a command of its own.
. "$(dirname "$0")/lib.sh"

start_master
start_worker w1
app work <<'END'
printf 'got <%s>\n' "$1"
exec sleep 1000
END
dm launch apps/work
pid=$(pid_of work.1)
script=$'launch work -- "x\nkill all\ny"\nlaunch work -- \'x\nKILL all\ny\'\nversion'

# By nc, and by a script on dm's standard input.
printf '%s\n' "$script" | nc -NU "$control" >out
same "$(grep -c '^OK$' out)" 3
printf '%s\n' "$script" | "$DM_BIN_DM" --connect "$control" >out
lives "$pid" || fail "the line within the quotes was run"
for instance in work.2 work.4; do
  wait_for log_says "$instance" 'y>'
  same "$(cat log)" $'got <x\nkill all\ny>'
done

# A script that ends within quotes: nothing of it is run, and it is told.
printf 'version\nlaunch work -- "x\nkill all\n' | nc -NU "$control" >out
expect_line 'ERR bad-arg unfinished double quote'
status=0
printf "version\nlaunch work -- 'x\nkill all\n" | "$DM_BIN_DM" --connect "$control" >out 2>err ||
  status=$?
same "$status" 2
expect_error 'dm: unfinished single quote'
lives "$pid" || fail "an unfinished command was run"

# One that grows too long: what follows is not read as commands.
{ printf 'launch work -- "'; head -c 70000 /dev/zero | tr '\0' '\n'; printf '"\nkill all\n'; } >long
nc -NU "$control" <long >out || true
expect_line 'ERR too-long *64 KiB*'
"$DM_BIN_DM" --connect "$control" <long >out 2>err && fail "a command that is too long was run"
expect_error '*64 KiB*'
lives "$pid" || fail "the tail of a command that is too long was run"
