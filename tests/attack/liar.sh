#!/bin/bash
# A worker with a good name that invents what nobody can check: apps, numbers, ends, a later master.
# It makes the master keep little of it, stops nobody's work, and can be thrown out.
. "$(dirname "$0")/lib.sh"
secret=  # netcat plays it, so there are no keys

start_master --heartbeat 60s
start_worker w1
app work <<<'exec sleep 1000'
dm launch apps/work --on w1
pid=$(pid_of work.1)
fake_worker evil

# LINE...: tells these at the start of a session of its own.
comes_with() {
  close_peer evil
  open_peer evil 127.0.0.1 "$port"
  say evil 'HELLO proto=1 name=evil'
  hear evil 'WELCOME *'
  say evil "$@" 'SYNCED' 'HEARTBEAT seq=1' 'FROB id=told'
  hear evil 'ERR id=told *'
}

# The numbers of an app.
mapfile -t lines < <(seq -f 'INSTANCE instance=work.%.0f state=dead run=1' 100000 100000 99900000)
comes_with "${lines[@]}"
comes_with 'INSTANCE instance=work.999999999 state=dead run=1'
dm launch work --on w1
is_alive work.100001 || fail "the numbers of an app were taken away"

# Apps that nobody has registered: a thousand records an hour, one of which is made.
for round in 1 2 3; do
  mapfile -t lines < <(seq -f "INSTANCE instance=x$round-%g.1 state=dead run=1" 1 1000)
  comes_with "${lines[@]}"
done
count=$(grep -c '^HEARD ' master/journal)
same "$count" 999
same "$(count_events 'evil has instances of 1 more apps than are remembered')" 1

# Ends of what never was, with gaps; coming and going. What operators did stays in sight.
mapfile -t lines < <(seq -f 'EXITED seq=%g instance=no.1 run=1' 1 2 3001)
comes_with "${lines[@]}"
for round in $(seq 220); do comes_with; done
(($(count_events '  worker evil is up ') <= 200)) || fail "every coming is an event"
(($(count_events ' ends of runs on evil were dropped') <= 200)) || fail "every gap is an event"
count=$(grep -c '^ACKED ' master/journal)
((count <= 101)) || fail "$count records of acknowledgements"
same "$(count_events 'launch work --on w1: done')" 1

# A master that never was: nobody is given orders, and the liar is thrown out all the same.
comes_with 'INFO os=x epoch=7-0123456789abcdef'
dm_fails 1 launch work --on w1
expect_error '*evil has obeyed epoch 7-*workers revoke evil*'
dm ps
dm workers revoke evil
worker_is evil suspect || fail "it is still here"
dm workers forget evil
dm_fails 3 describe worker/evil
same "$(count_events 'workers revoke evil: done')" 1
lives "$pid" || fail "the app is gone"
# It was the only one that said so: orders are given again.
wait_for worker_is w1 up
dm launch work --on w1
stop_program master
start_master --heartbeat 60s --new-epoch
wait_for worker_is w1 up
dm launch work --on w1
stays_small master
