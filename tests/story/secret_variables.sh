#!/bin/bash
# Variables from a file where the operator is: the app has them, the audit trail has not, and no
# process list ever had.
. "$(dirname "$0")/lib.sh"

app show <<'END'
printf '%s|%s|%s\n' "$KEY" "$EMPTY" "$1"
exec sleep 1000
END
start_master
start_worker w1
printf '# a comment\r\nKEY=se cret="x"\r\n\nEMPTY=\n' >vars
dm launch apps/show --env-file vars -- hunter2
wait_for log_says show.1 'se cret="x"||hunter2'
dm events -n 100
expect_line '*launch*--env KEY=... --env EMPTY=... -- (1 argument)*'
dm events -n 100 --json
expect_no_line '*hunter2*'
expect_no_line '*cret*'
dm describe show.1
expect_line 'Environment: *KEY=se cret="x"'

# What is no such file.
printf 'A=1\npassword\n' >bad
dm_fails 2 launch show --env-file bad
expect_error 'dm: bad: line 2 is no NAME=VALUE'
dm_fails 2 launch show --env-file nowhere
expect_error 'dm: *nowhere*'
talk 'launch show --env-file /etc/passwd'
expect_line "ERR bad-arg --env-file is dm's: *"

# More than a line can carry is told before anything is sent.
long=$(head -c 70000 /dev/zero | tr '\0' x)
dm_fails 2 launch show -- "$long"
expect_error 'dm: the command takes * KiB on the wire*at most 63 KiB*'
