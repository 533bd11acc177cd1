#!/bin/bash
# Who gets the next instance: the least loaded by 2*cpu*ram/(cpu+ram), then the one with fewer
# instances, then by name; a burst spreads; above 95 % of either nobody.
. "$(dirname "$0")/lib.sh"

start_master --heartbeat 60s
has_cpu() { [[ $(field describe "worker/$1" cpu_percent) == "$2" ]]; }

fake_worker a 80 80
fake_worker b 40 40
fake_worker c 60 20
dm workers
expect_line 'a *up * 80.0 *80.0 *80.0 *0'
expect_line 'b *up * 40.0 *40.0 *40.0 *0'
expect_line 'c *up * 60.0 *20.0 *30.0 *0'
printf '#!/bin/sh\n' >apps/any
chmod 755 apps/any

# Answers one launch on the worker that it goes to; the netcats do everything that they are told.
obey() {  # NAME VERB
  hear "$1" "$2 *"
  say "$1" "OK id=$(heard_field id) pid=4711 run=1"
}
for name in a b c; do (obey "$name" PROBE; obey "$name" INSTALL) & done
dm copy apps/any
expect_line 'a: *'
expect_line 'c: *'
# Their answers were read in subshells: here the same lines are still to come.
for name in a b c; do hear "$name" 'INSTALL *'; done

# Launches, and expects it to go to NAME.
goes_to() {
  local name=$1
  (obey "$name" LAUNCH) &
  dm launch any
  expect_line "any.* $name 4711"
  hear "$name" 'LAUNCH *'
}

goes_to c
# It has four processors, so one more may cost it 25 %: that makes b the next, then c again.
goes_to b
goes_to c
fake_beat a 10 10
fake_beat b 96 10
fake_beat c 10 96
wait_for has_cpu c 10.0
goes_to a
fake_beat a 99 99
wait_for has_cpu a 99.0
dm_fails 1 launch any
expect_error '*every one is above 95 % of processor or memory*'

# Equal load: fewer instances, then the name.
say a 'HEARTBEAT seq=2 cpu=10 mem_used=10 mem_total=100 instances=2'
say b 'HEARTBEAT seq=2 cpu=10 mem_used=10 mem_total=100 instances=1'
say c 'HEARTBEAT seq=2 cpu=10 mem_used=10 mem_total=100 instances=1'
wait_for has_cpu a 10.0
wait_for has_cpu b 10.0
goes_to b
for name in a b c; do fake_beat "$name" 20 20; done
for name in a b c; do wait_for has_cpu "$name" 20.0; done
goes_to a
goes_to b
goes_to c

# A full disk takes nothing either; --on may, whatever the load is.
for name in a b; do fake_beat "$name" 97 20; done
say c 'HEARTBEAT seq=3 cpu=5 mem_used=10 mem_total=100 disk_free=1000'
for name in a b; do wait_for has_cpu "$name" 97.0; done
wait_for has_cpu c 5.0
dm_fails 1 launch any
(obey b LAUNCH) &
dm launch any --on b
expect_line 'any.* b 4711'
