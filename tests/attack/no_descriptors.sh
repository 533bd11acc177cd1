#!/bin/bash
# A master with 64 descriptors, and a crowd that takes them all: it turns newcomers away instead of
# spinning, keeps its workers, and is itself again when they have gone.
. "$(dirname "$0")/lib.sh"
trap '' PIPE  # a connection that is dropped ends a write with an error, not this story

(
  ulimit -n 64
  exec "$DM_BIN_MASTER" --secret-file "$secret" --no-shell --listen 127.0.0.1:0 \
    --state "$dir/master" 2>"$dir/master.log" </dev/null >/dev/null
) &
pids[master]=$!
wait_for master_is_ready "$dir/master.log"
port=$(sed -n 's/^dm-master: listening on .*:\([0-9]*\)$/\1/p' master.log)
start_worker w1
open_peer early -U "$control"
say early version
hear early OK

crowd() {
  local i fd
  trap - EXIT ERR
  set +e
  for ((i = 0; i < 200; i++)); do exec {fd}<>"/dev/tcp/127.0.0.1/$port"; done 2>/dev/null
  echo came >"$dir/crowd.log"
  exec sleep 1000
}
ticks() { awk '{print $14 + $15}' "/proc/${pids[master]}/stat"; }
descriptors() { find "/proc/${pids[master]}/fd" -maxdepth 1 -type l | wc -l; }
: >crowd.log
crowd &
peer_pids[crowd]=$!
wait_for says crowd.log came
(($(descriptors) > 60)) || fail "they did not fill it: $(descriptors) descriptors"
(($(descriptors) <= 70)) || fail "it has $(descriptors) descriptors"

# Answers who is in, and hears its worker's beats, for seconds of it.
before=$(ticks)
for ((i = 0; i < 3; i++)); do
  say early 'workers'
  hear early ' w1 *up *'
  hear early OK
  sleep 1  # the time in which a spinning master would burn a processor
done
(($(ticks) - before < 60)) || fail "it has spun: $(($(ticks) - before)) ticks in 3 s"
kill "${peer_pids[crowd]}"
wait "${peer_pids[crowd]}" 2>/dev/null || true
unset 'peer_pids[crowd]'
back() { "$DM_BIN_DM" --connect "$control" version >/dev/null 2>&1; }
wait_for back
printf '#!/bin/sh\nexec sleep 1000\n' >apps/work
chmod 755 apps/work
dm launch apps/work --on w1
same "$(count_events ' worker-up ')" 1
