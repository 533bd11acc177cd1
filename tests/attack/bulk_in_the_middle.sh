#!/bin/bash
# A man on the path of files and logs: no byte of his is ever installed or shown as one of ours.
. "$(dirname "$0")/lib.sh"

start_master --heartbeat 200ms
start_worker w1
app talker <<'END'
echo one two three four
exec sleep 1000
END
app other <<'END'
exec sleep 1000
END

# RULE: w1 goes on behind a man with this rule.
behind() {
  stop_program w1
  between "$port" "$1"
  : >w1.log
  begin_worker w1
  wait_for says w1.log '*connected to*'
  wait_for worker_is w1 up
}

# Files. The first OK brings the manifest, the second the program; a manifest that has come stays.
installed() { find w1/apps -name other -type f -o -name other -type l | grep -q .; }
for rule in 'OK#1 flip-body 30' 'OK#2 flip-body 10' 'OK#1 flip -1'; do
  behind "down as=bulk $rule"
  dm_fails 1 copy apps/other --to w1
  did "down as=bulk $rule" || fail "nobody meddled"
  grep -qE 'SHA-256|manifest' err || fail "the reason is not said: $(cat err)"
  ! installed || fail "something was installed after: $rule"
done
# Lines of the bulk connection are sealed: one that is another ends it, and the transfer begins
# anew; what comes at last is whole.
for rule in 'down as=bulk OK#2 cut 60' 'down as=bulk OK#2 flip 4' 'down as=bulk OK#1 flip -30' \
  'down as=bulk WELCOME strip proof' 'up as=bulk FETCH#2 flip 20' 'up as=bulk FETCH#1 twice' \
  'up as=bulk HELLO strip proof'; do
  behind "$rule"
  app other <<<"exec sleep 1000 # $rule"
  status=0
  timeout 60 "$DM_BIN_DM" --connect "$control" copy apps/other --to w1 >out 2>err || status=$?
  did "$rule" || fail "nobody meddled"
  if ((status == 0)); then
    cmp -s apps/other "$(find w1/blobs -name "$(sha256sum apps/other | cut -c1-64)")" ||
      fail "another file was installed after: $rule"
  else
    ! installed || fail "refused, but installed after: $rule"
  fi
  ((status != 0)) || dm delete other
done

# Logs: what is shown is a beginning of what was written, and the cut is told.
via=
stop_program w1
start_worker w1
dm launch apps/talker --on w1
wait_for log_says talker.1 'one two*'
for rule in 'CHUNK flip-body 2' 'CHUNK flip 8' 'CHUNK lose' 'CHUNK twice' 'CHUNK later' \
  'CHUNK strip sha256' 'CHUNK cut 130' 'STREAM flip 20' 'STREAM twice' 'END flip 10' 'END lose' \
  'END cut 5' 'END before CHUNK n=3'; do
  behind "up as=bulk $rule"
  status=0
  timeout 60 "$DM_BIN_DM" --connect "$control" logs talker.1 >out 2>err || status=$?
  did "up as=bulk $rule" || fail "nobody meddled"
  ((status == 1)) || fail "logs ended with $status after: $rule"
  [[ -s err ]] || fail "the cut is not told after: $rule"
  [[ 'one two three four' == "$(cat out)"* ]] || fail "shown after $rule: $(cat out)"
done
via=
stop_program w1
start_worker w1
dm logs talker.1
same "$(cat out)" 'one two three four'
is_alive talker.1 || fail "the app is gone"
