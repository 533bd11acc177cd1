#!/bin/bash
# A master that does not hold the secret: whatever it says, the worker obeys nothing, keeps nothing,
# and goes back to dialling.
. "$(dirname "$0")/lib.sh"

nonce=$(printf '%032d' 7)
proof=$(printf '%064d' 7)
welcome='WELCOME cluster=cafecafecafecafecafecafecafecafe epoch=9-9999999999999999 heartbeat_ms=100'
order='DELETE id=evil app=evil'

# NAME WHY LINE...: a worker of its own dials, hears these lines as soon as it is there, and says
# why it does not obey.
deceive() {
  local name=$1 why=$2
  shift 2
  lie_in_wait "$name-trap"
  say "$name-trap" "$@"
  begin_worker "$name"
  wait_for says "$dir/$name.log" "*no session with the master: $why"
  ! grep -q 'connected to' "$name.log" || fail "$name took it for its master"
  ! grep -qE '^(INFO|SYNCED|OK|ERR)' "$name-trap.heard" || fail "$name answered"
  ! grep -q cafecafe "$name/journal" || fail "$name bound itself to it"
  stop_program "$name"
  close_peer "$name-trap"
}

unproven='the master did not prove that it holds the secret'
# All at once, before the worker could even say HELLO: no line may slip through unproven.
deceive early "$unproven" "DM proto=1 nonce=$nonce" "$welcome" "$order"
deceive first "$unproven" "$welcome" "$order"
deceive twice "$unproven" "DM proto=1 nonce=$nonce" "DM proto=1 nonce=$nonce" "$welcome" "$order"
deceive order "$unproven" "DM proto=1 nonce=$nonce" "$order"
deceive wrong "$unproven" "DM proto=1 nonce=$nonce" "$welcome proof=$proof" "$order"
# An older or shorter protocol does not exist.
deceive bare 'the master sent no nonce' 'DM proto=1'
deceive short 'the master sent no nonce' 'DM proto=1 nonce=00'
deceive older 'the peer is no dm-master of protocol 1' "DM proto=0 nonce=$nonce"
deceive long '*too long' "DM proto=1 nonce=$nonce pad=$(printf '%02000d' 0)"

# Its own proof, sent back to it.
lie_in_wait mirror
say mirror "DM proto=1 nonce=$nonce"
begin_worker m
hear mirror 'HELLO * proof=*'
say mirror "$welcome proof=$(heard_field proof)"
wait_for says m.log "*no session with the master: $unproven"
! grep -qE '^(INFO|SYNCED)' mirror.heard || fail "the worker was deceived by its own proof"
