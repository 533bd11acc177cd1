# shellcheck shell=bash
# tests/attack/lib.sh - what attacks need beside what every story has: keys, and a man in the
# middle. Sourced, never run.
. "$(dirname "$0")/../story/lib.sh"

DM_MITM=${DM_MITM:-$build/tests/dm-mitm}
secret=$dir/secret
"$DM_BIN_DM" keygen "$secret" >/dev/null
men=0

# PORT RULE...: a man between whoever dials $via and the master at PORT.
between() {
  men=$((men + 1))
  man=$dir/man$men.log
  : >"$man"
  "$DM_MITM" "$@" >"$man" 2>&1 &
  pids[man$men]=$!
  wait_for says "$man" 'port *'
  via=$(sed -n 's/^port //p' "$man")
}

did() { says "$man" "did $1"; }  # RULE: has he done it?

# NAME: a netcat that waits for a worker; $via is its port.
lie_in_wait() {
  open_peer "$1" -lv 127.0.0.1 0
  wait_for grep -q '^Listening on' "$dir/$1.err"
  via=$(sed -n 's/^Listening on .* \([0-9]*\)$/\1/p' "$dir/$1.err" | head -n 1)
}
