#!/bin/bash
# Whatever arrives at the control endpoint: one line that says what is wrong and what would be
# right; nothing is done by halves; nobody else notices.
. "$(dirname "$0")/lib.sh"

start_master --control "$dir/master/control.sock" --control 127.0.0.1:0
start_worker w1
app work <<'END'
exec sleep 1000
END
dm launch apps/work --on w1
pid=$(pid_of work.1)
open_peer other -U "$control"
throw() { timeout 20 nc -NU "$control" >"$dir/out" || true; cat >/dev/null; }
no_harm() {
  say other version
  hear other ' dm *'
  hear other OK
  lives "$pid" || fail "the app is gone"
}

# Wrong commands: the answer is one line, with the nearest word where there is one.
wrong() {  # COMMAND PATTERN
  talk "$1"
  # shellcheck disable=SC2053
  [[ $(cat out) == $2 ]] || fail "the answer to '$1' does not fit: $2"
}
wrong 'lunch work' "ERR unknown-verb *did you mean 'launch'?"
wrong 'wrokers' "ERR unknown-verb *did you mean 'workers'?"
wrong 'frobnicate' "ERR unknown-verb *'help' lists them"
wrong 'stop' 'ERR bad-arg stop: TARGET... is missing; usage: stop TARGET*'
wrong 'stop work --timeuot 3s' 'ERR bad-arg *did you mean --timeout?*'
wrong 'stop work --timeout' 'ERR bad-arg *--timeout wants a value*'
wrong 'stop work --timeout never' "ERR bad-arg *'never'*"
wrong 'stop wrk' 'ERR not-found *did you mean work?'
wrong 'launch work --count 0' 'ERR bad-arg *1 to*'
wrong 'launch work --count 999999999999999999999' 'ERR bad-arg *'
wrong 'launch work --restart sometimes' 'ERR bad-arg *no|on-failure|always*'
wrong 'launch work --env NOVALUE' 'ERR bad-arg *NAME=VALUE*'
wrong 'launch work --on w2' 'ERR not-found *did you mean w1?'
wrong 'launch ../../etc/passwd' 'ERR *'
wrong 'copy' 'ERR bad-arg *usage: copy FILE*'
wrong 'copy /no/such/file' 'ERR not-found */no/such/file*'
wrong 'copy /etc' 'ERR bad-arg */etc*director*'
wrong "copy $dir/apps/work --as UPPER" 'ERR bad-arg *'
wrong "copy $dir/apps/work --as all" 'ERR bad-arg *'
wrong "copy $dir/apps/work --to w9" 'ERR not-found *'
wrong 'logs wrok' 'ERR not-found *did you mean work?'
wrong 'logs work.1 --run 7' 'ERR not-found *'
wrong 'start work.1' 'ERR busy *runs already*'
wrong 'describe ..' 'ERR not-found *'
wrong 'workers forget w1' 'ERR busy *'
wrong 'workers forget nosuch' 'ERR not-found *'
wrong 'ps "unclosed' 'ERR bad-arg *'
wrong $'ps \x01\x1b[31m' 'ERR not-found *'
wrong "delete work" 'ERR busy *'
talk '' '# a comment' '   ' version
expect_line 'OK'
expect_no_line 'ERR*'

# Each command is answered, in order, also after the end of the input.
seq 500 | sed 's,.*,version,' | throw
same "$(grep -c '^OK$' out)" 500

# Over-long, NUL, garbage: dropped; the tail of a line is no command.
{ head -c 70000 /dev/zero | tr '\0' x; printf '\nkill all\n'; } | throw
expect_line 'ERR too-long *'
printf 'version\0\nkill all\n' | throw
expect_line 'ERR *'
printf 'ps \0kill all\n' | throw
expect_line 'ERR *'
for seed in 1 2 3; do head -c 100000 /dev/urandom | throw; done
no_harm

# The form for dm: bad lines, missing fields, unknown verbs.
for line in RUN 'RUN id=' 'RUN arg=ps' 'RUN id=1 arg=' 'RUN id=1' 'RUN id=1 arg=nosuch' 'NONSENSE' \
  'NONSENSE id=7' 'PUT' 'PUT id=1 sha256=x size=1' 'PUT id=1 sha256=../../x size=-1' 'RUN id=1 =x' \
  'RUN id=1 arg=%zz'; do
  printf '%s\n' "$line" | throw
  expect_line 'ERR *'
done
printf 'HAVE id=1 sha256=../../../etc/passwd\nCANCEL id=9\nCANCEL\nRUN id=2 arg=version\n' | throw
expect_line 'OK id=1 have=0'
expect_line 'OK id=2'
# An upload that is cut, and one whose bytes are others than it said: neither leaves a blob.
printf 'PUT id=1 sha256=%064d size=1000000\nxyz' 0 | throw
printf 'PUT id=1 sha256=%064d size=3\nxyz' 0 | throw
expect_line 'ERR id=1 code=hash-mismatch *'
printf 'PUT id=1 sha256=%064d size=99999999999999999\nx' 0 | throw
expect_line 'ERR id=1 code=*'
same "$(find master/blobs -name "$(printf '%064d' 0)" | wc -l)" 0
no_harm

# A control endpoint on TCP: HELLO first, a browser is shown the door, no path is opened for it.
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log)
printf 'POST / HTTP/1.1\r\nHost: x\r\n\r\nkill all\r\n' | timeout 20 nc -N 127.0.0.1 "$tcp" >out || true
expect_line 'DM proto=1 *'
expect_line 'ERR *bad-line *'
{ printf 'HELLO proto=1 as=control\nversion\ncopy /etc/passwd\n'; } |
  timeout 20 nc -N 127.0.0.1 "$tcp" >out
expect_line ' dm *'
expect_line 'ERR denied *'
printf 'HELLO proto=1 as=control\nPOST / HTTP/1.1\nkill all\n' |
  timeout 20 nc -N 127.0.0.1 "$tcp" >out || true
no_harm

# A peer that asks much and reads nothing is dropped, and costs no memory.
deafen "$tcp" 'HELLO proto=1 as=control' help &
peer_pids[deaf]=$!
no_harm
wait_for gone "${peer_pids[deaf]}"
no_harm
stays_small master
wait_for is_alive work.1
