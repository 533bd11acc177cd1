#!/bin/bash
# Names that would be paths, wherever a name travels: from a false master to a real worker, from a
# false worker or operator to a real master. Each is refused, and no file appears or goes.
. "$(dirname "$0")/lib.sh"
secret=  # netcat plays both

long=$(printf '%0300d' 0)
# As they stand in a line; a NUL ends the connection, and comes last by itself.
names=('../x' '../../../../tmp/x' '/etc/x' '%2e%2e' '%252e%252e%252fx' '..%2fx' '..' '.' '' 'a/b' 'x%0ay'
  '-rf' '--help' 'x%20y' "$long" 'X' 'all' $'\xff\xfe' 'x%1b[31m' '*' '$(id)' '~')
mkdir outside
echo precious >outside/file
snapshot() { find "$dir/outside" "$1" -printf '%p %s %y\n' 2>/dev/null | grep -v journal | sort; }

# A false master. The worker has one app, so that there is something to aim at.
app work <<'END'
exec sleep 1000
END
start_master
start_worker w1
dm launch apps/work --on w1
pid=$(pid_of work.1)
manifest=$(field ps work.1 version)
stop_program w1
stop_program master
lie_in_wait m
"$DM_BIN_WORKER" --insecure --join --master "127.0.0.1:$via" --name w1 --root "$dir/w1" \
  2>>w1.log </dev/null >/dev/null &
pids[w1]=$!
say m 'DM proto=1'
hear m 'HELLO *'
say m 'WELCOME heartbeat_ms=10000'
hear m SYNCED
before=$(snapshot w1)
id=0
order() {  # CODES LINE: the answer must be an error with one of the codes
  id=$((id + 1))
  say m "${2/ / id=$id }"
  hear m "* id=$id*"
  [[ $heard =~ ^ERR.*\ code=($1)\  ]] || fail "the answer to '$2' is '$heard'"
}
for name in "${names[@]}"; do
  none=$(printf '%064d' 0)
  order 'bad-arg' "INSTALL app=$name manifest=$manifest"
  order 'bad-arg' "INSTALL app=x manifest=$name"
  order 'bad-arg' "DELETE app=$name"
  order 'bad-arg|not-found' "LAUNCH instance=$name app=work manifest=$manifest run=1"
  order 'bad-arg|not-found' "LAUNCH instance=$name.1 app=$name manifest=$manifest run=1"
  order 'bad-arg|not-found' "LAUNCH instance=work.2 app=work manifest=$name run=1"
  order 'bad-arg|not-found' "LAUNCH instance=work.$name app=work manifest=$manifest run=1"
  order 'not-found|bad-arg' "LOG instance=$name"
  order 'not-found|bad-arg' "LOG instance=work.$name"
  order 'not-found|bad-arg' "STOP instance=$name"
  order 'not-found|bad-arg' "KILL instance=$name"
  order 'bad-arg|exec-failed' "PROBE arch=any lib=libnosuch$name"
done
same "$(snapshot w1)" "$before"
# A manifest whose blob is what it says it is, and whose files have such names: refused all the same.
for name in ../x /etc/x %2e%2e%2fx .. x%0ay "$long"; do
  printf 'MANIFEST format=1 app=x exe=%s arch=any interp=/bin/sh\nFILE kind=exe name=%s sha256=%s size=0 mode=755\n' \
    "$name" "$name" "$(sha256sum </dev/null | cut -c1-64)" >manifest
  mkdir -p "w1/blobs/$(sha256sum manifest | cut -c1-2)"
  install -m 0555 manifest "w1/blobs/$(sha256sum manifest | cut -c1-2)/$(sha256sum manifest | cut -c1-64)"
  order 'bad-arg' "INSTALL app=x manifest=$(sha256sum manifest | cut -c1-64)"
done
[[ ! -e w1/apps/x ]] || fail "something of it was installed"
lives "$pid" || fail "the app is gone"
say m "$(printf 'DELETE id=nul app=x%%00y')"
wait_for dropped m
stop_program w1
close_peer m
via=

# False operators and workers, against a real master.
start_master --control "$dir/master/control.sock" --control 127.0.0.1:0
start_worker w1
wait_for is_alive work.1
before=$(snapshot master)
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log | tail -n 1)
quote() { printf "'%s'" "${1//\'/}"; }
for name in "${names[@]}"; do
  for command in 'stop NAME' 'kill NAME' 'start NAME' 'delete NAME' 'launch NAME' 'logs NAME' \
    'describe NAME' 'ps NAME' 'workers forget NAME' 'launch work --on NAME' \
    'copy NAME' 'delete work --from NAME' 'usage NAME' 'logs work.NAME' 'launch work.NAME'; do
    raw=$(printf '%b' "${name//\%/\\x}" | tr -d '\n')
    # `all` means something, and so does `ps all`.
    [[ $name == all && ! $command =~ (forget|--on|start) ]] && continue
    printf 'HELLO proto=1 as=control\n%s\n' "${command/NAME/$(quote "$raw")}" |
      timeout 20 nc -N 127.0.0.1 "$tcp" >out || true
    expect_line 'ERR *'
  done
  printf 'HELLO proto=1 as=control\nHAVE id=1 sha256=%s\nPUT id=2 sha256=%s size=1\nx\n' "$name" "$name" |
    timeout 20 nc -N 127.0.0.1 "$tcp" >out || true
  expect_line 'OK id=1 have=0'
  expect_line 'ERR id=2 code=bad-arg *'
  printf 'HELLO proto=1 as=control\nRUN id=1 arg=launch arg=./x manifest=%s\n' "$name" |
    timeout 20 nc -N 127.0.0.1 "$tcp" >out || true
  expect_line 'ERR id=1 *'
  # As a worker's name, its id, its instance's name, a blob's.
  if [[ ! $name =~ ^(x|%2e%2e)$ ]]; then
    printf 'HELLO proto=1 name=%s\nHEARTBEAT seq=1\n' "$name" |
      timeout 20 nc -N 127.0.0.1 "$port" >out || true
    expect_line 'ERR code=bad-arg *'
  fi
  printf 'HELLO proto=1 name=ok id=%s\n' "${name:-.}" | timeout 20 nc -N 127.0.0.1 "$port" >out || true
  expect_line 'ERR code=bad-arg *'
done
fake_worker evil
for name in "${names[@]}"; do
  say evil "INSTANCE instance=$name state=running run=1 pid=1" "INSTANCE instance=$name.1 run=1 pid=1" \
    "EXITED seq=1 instance=$name.1 run=1 reason=x"
  printf 'HELLO proto=1 name=evil as=bulk\nFETCH sha256=%s\n' "$name" |
    timeout 20 nc -N 127.0.0.1 "$port" >out || true
  expect_line 'ERR *'
done
say evil 'FROB id=end'
hear evil 'ERR id=end *'
dm ps --all
expect_lines 2
same "$(snapshot master)" "$before"
same "$(cat outside/file)" precious
worker_is w1 up
lives "$pid" || fail "the app is gone"
