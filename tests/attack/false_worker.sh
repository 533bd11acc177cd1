#!/bin/bash
# A worker with a good name and bad intentions: it speaks for itself only, answers only what it was
# asked, and fetches only what is being installed on it.
. "$(dirname "$0")/lib.sh"
secret=  # netcat plays it, so there are no keys

start_master --heartbeat 60s
start_worker w1
for name in work secret-app; do
  app "$name" <<END
exec sleep 1000 # $name
END
done
dm launch apps/work --on w1
pid=$(pid_of work.1)
fake_worker evil
evil() { say evil "$@"; }

# Reports on others' instances, in every state; its ends are acknowledged and come to nothing.
evil "INSTANCE instance=work.1 desired=running state=dead run=7 pid=1" \
  'INSTANCE instance=work.1 desired=stopped state=backoff run=99 restarts=5' \
  'EXITED seq=1 instance=work.1 run=1 exit_code=3 reason=evil' \
  'EXITED seq=2 instance=work.1 run=9999999 signal=SIGKILL reason=evil'
hear evil 'ACK seq=2'
same "$(pid_of work.1)" "$pid"
is_alive work.1 || fail "believed"
same "$(field ps work.1 worker)" w1
same "$(count_events ' exited ')" 0
# In the first words of a session too, when a worker tells what it has.
close_peer evil
open_peer evil 127.0.0.1 "$port"
say evil 'HELLO proto=1 name=evil'
hear evil 'WELCOME *'
evil 'INSTANCE instance=work.1 desired=running state=running run=3 pid=1 app=work' 'SYNCED'
fake_beat evil
wait_for worker_is evil up
same "$(pid_of work.1)" "$pid"
same "$(field ps work.1 run)" 1

# Answers to what it was not asked: the ids of orders to w1, past, present and to come.
dm logs work.1
(dm logs work.1 -f) &
follower=$!
epoch=$(sed -n 's/.* epoch=\([^ ]*\).*/\1/p' evil.heard | tail -n 1)
for number in $(seq 0 30) 999999999 -1 99999999999999999999 x ''; do
  evil "OK id=$epoch.$number pid=1 run=1" "ERR id=$epoch.$number code=internal msg=evil" \
    "PROGRESS id=$epoch.$number done=1 total=2"
done
evil 'OK id=1' 'OK' 'ERR' "OK id=$epoch" 'FROB id=last'
hear evil 'ERR id=last *'
lives "$follower" || fail "somebody else's answer ended a command"
is_alive work.1 || fail "believed"

# A stream that is w1's to send, and a blob that is not being installed here.
bulk() {  # LINE...
  { printf 'HELLO proto=1 name=evil as=bulk\n'; printf '%s\n' "$@"; } |
    timeout 20 nc -N 127.0.0.1 "$port" >out || true
  expect_line 'WELCOME'
}
for number in $(seq 1 30); do
  bulk "STREAM id=$epoch.$number instance=work.1 run=1 size=5 start=0" 'CHUNK n=5' evil
  expect_line 'ERR code=denied *'
done
kill "$follower"
wait "$follower" || true
dm logs work.1
! grep -q evil out || fail "it has written another's log"

# One that another was asked for and has not begun to send.
fake_worker mild
app any <<<true
dm launch apps/any --on mild &
launch=$!
for verb in PROBE INSTALL LAUNCH; do
  hear mild "$verb *"
  say mild "OK id=$(heard_field id) pid=4711 run=1"
done
wait "$launch"
dm logs any.1 &
reader=$!
hear mild 'LOG *'
bulk "STREAM id=$(heard_field id) instance=any.1 run=1 size=5 start=0" 'CHUNK n=5' evil
expect_line 'ERR code=denied *'
say mild "ERR id=$(heard_field id) code=not-found msg=enough"
wait "$reader" && fail "somebody else has sent another's log" || true

dm copy apps/secret-app --to w1
blob=$(sha256sum apps/secret-app | cut -c1-64)
mine=$(sha256sum apps/work | cut -c1-64)
bulk "FETCH sha256=$blob"
expect_line 'ERR code=denied *'
# While `work` is on its way to it, that and nothing else.
dm copy apps/work --to evil &
copy=$!
hear evil 'PROBE *'
probe=$(heard_field id)
bulk "FETCH sha256=$mine"
expect_line 'ERR code=denied *'
evil "OK id=$probe"
hear evil 'INSTALL *'
install=$(heard_field id) manifest=$(heard_field manifest)
bulk "FETCH sha256=$mine"
expect_line '#!/bin/sh'
bulk "FETCH sha256=$manifest"
expect_line 'OK size=*'
bulk "FETCH sha256=$blob"
expect_line 'ERR code=denied *'
bulk "FETCH sha256=$mine offset=-1"
expect_line 'ERR code=bad-arg *'
bulk "FETCH sha256=$mine offset=999999"
expect_line 'ERR code=bad-arg *'
evil "OK id=$install sent=1 there=0 bytes=10 elapsed_ms=1"
wait "$copy"
bulk "FETCH sha256=$mine"
expect_line 'ERR code=denied *'

# Another's name: with its id only, which it does not know.
printf 'HELLO proto=1 name=w1 id=%032d\nBYE\n' 5 | timeout 20 nc -N 127.0.0.1 "$port" >out || true
expect_line 'ERR code=exists *'
printf 'HELLO proto=1 name=w1 as=bulk\nFETCH sha256=%s\n' "$blob" |
  timeout 20 nc -N 127.0.0.1 "$port" >out || true
expect_line 'ERR code=denied *'

# Numbers and texts beyond all measure are none, and stay its own.
evil 'HEARTBEAT seq=1 cpu=1e308 mem_used=-1 mem_total=0 load1=inf disk_free=99999999999999999999' \
  "INFO os=$(head -c 60000 /dev/zero | tr '\0' x) label=../x label=a=b"
evil 'EXITED seq=9223372036854775807 instance=nosuch.1 run=1 reason=x' 'FROB id=end'
hear evil 'ERR id=end *'
dm ps --json
expect_json
dm workers --json
expect_json
lives "$pid" || fail "the app is gone"
same "$(count_events ' worker-up  worker w1')" 1
stays_small master
