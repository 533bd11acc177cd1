# shellcheck shell=bash
# tests/torture/lib.sh - what torture needs beside what every story has: programs whose system calls
# fail on purpose, by strace or by a failpoint, and short lives of a master. Sourced, never run.
#
# DM_TORTURE_FULL=1 in the environment makes the sweeps complete that otherwise take a sample.
. "$(dirname "$0")/../story/lib.sh"

DM_FAILING_MASTER=${DM_FAILING_MASTER:-$build/tests/dm-failing-master}
DM_FAILING_WORKER=${DM_FAILING_WORKER:-$build/tests/dm-failing-worker}
DM_KILLER=${DM_KILLER:-$build/tests/dm-killer}
DM_ORPHANS=${DM_ORPHANS:-$build/tests/dm-orphans}

# From now on the programs with failpoints.
use_failing() { DM_BIN_MASTER=$DM_FAILING_MASTER DM_BIN_WORKER=$DM_FAILING_WORKER; }

need_strace() {
  need strace
  strace -o /dev/null -e trace=getpid true 2>/dev/null || skip "strace may trace nothing here"
}

need_root() { [[ $(id -u) == 0 ]] || skip "only root can $*"; }

# STATUS: the master under the killer, told to end, ends so. False: it ended before its Nth change.
end_killer() {
  local status=0 pid=${pids[master]}
  unset 'pids[master]'
  kill "$pid" 2>/dev/null || true
  wait "$pid" || status=$?
  ((status == 0 || status == 137)) || fail "it ended with $status: $(cat "$dir/killer.log")"
  ((status == $1))
}

# FILE...: what they hold, and that they are there at all.
# A lock says who looked last.
fingerprint() { find "$@" ! -name lock -printf '%p %y %m\n' -type f -exec sha256sum {} + | sort; }

# NAME STATUS: a program ends by itself, and like this.
ends_with() {
  local pid=${pids[$1]} status=0
  wait_for gone "$pid"
  unset "pids[$1]"
  wait "$pid" 2>/dev/null || status=$?
  ((status == $2)) || fail "$1 ended with $status, not $2"
}

# The log of the last master.
master_log() { find "$dir" -maxdepth 1 -name 'master-*.log' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2; }

supervisor_pid() {  # WORKER
  { grep -lsz -e '^--supervise$' /proc/[0-9]*/cmdline || true; } |
    { xargs -r grep -lsz -e "^$dir/$1\$" || true; } | cut -d/ -f3
}
