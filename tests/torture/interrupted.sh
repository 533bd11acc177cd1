#!/bin/bash
# Every third system call of master, agent and supervisor that may be interrupted ends with EINTR:
# nobody notices.
. "$(dirname "$0")/lib.sh"
need_strace
calls=read,write,pread64,recvfrom,recvmsg,sendto,sendmsg,accept4,epoll_wait,wait4,flock
{ printf '#!/bin/sh\ni=0\nwhile [ $i -lt 2000 ]; do echo line $i; i=$((i + 1)); done\nexec sleep 1000\n#'
  head -c 300000 /dev/zero | tr '\0' x; } >apps/work
chmod 755 apps/work
traced() { grep -q "^TracerPid:[[:space:]]*[1-9]" "/proc/$1/status"; }
app brief <<'APP'
exit 3
APP
start_master --heartbeat 1s
start_worker w1
supervisor=$(supervisor_pid w1)
for pid in "${pids[master]}" "${pids[w1]}" "$supervisor"; do
  threads=-f
  ((pid != supervisor)) || threads=-q  # it has none, but children, which are the apps
  : >"strace-$pid"
  strace $threads -o "strace-$pid" -e trace="$calls" -e inject="$calls:error=EINTR:when=2+3" -p "$pid" \
    2>/dev/null &
  pids[strace-$pid]=$!
  wait_for traced "$pid"
done
dm copy apps/work
dm launch work --on w1 --count 3
for i in 1 2 3; do
  wait_for log_says "work.$i" 'line 1999'
  same "$(wc -l <log)" 2000
done
dm copy apps/brief
dm launch brief --on w1 --count 20
dm stop work.1
dm kill work.2
is_alive work.3
dm usage
dm history
same "$(count_events ' worker-lost ')" 0
for file in strace-*; do
  (($(grep -c INJECTED "$file") > 20)) || fail "hardly anything was interrupted: $file"
done
dm stop all
for name in "${!pids[@]}"; do [[ $name != strace-* ]] || stop_program "$name" || true; done
