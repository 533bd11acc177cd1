#!/bin/bash
# A reboot: the machine comes back under another boot id. Nothing is adopted by number, although
# here every old process still lives and would fit; every run is told as ended, and policies go on.
# The boot id is another one in a mount namespace of the worker's own.
. "$(dirname "$0")/lib.sh"

((EUID == 0)) || skip "only root can give a worker another boot id"
need unshare
mount_id() { mount --bind "$dir/boot" /proc/sys/kernel/random/boot_id && exec "$@"; }
export -f mount_id
export dir
echo 11111111-1111-1111-1111-111111111111 >"$dir/boot"
unshare -m bash -c 'mount_id true' 2>/dev/null || skip "no mount namespace can be made here"

real=$DM_BIN_WORKER
cat >"$dir/worker" <<EOF
#!/bin/bash
[[ " \$* " == *" --stop-apps "* ]] && exec "$real" "\$@"
exec unshare -m bash -c 'mount_id "\$@"' - "$real" "\$@"
EOF
chmod 755 "$dir/worker"
DM_BIN_WORKER=$dir/worker

app work <<'EOF'
echo "run $DM_RUN"
exec sleep 1000
EOF

supervisor_pid() {
  { grep -lsz -e '^--supervise$' /proc/[0-9]*/cmdline || true; } |
    { xargs -r grep -lsz -e "^$dir/w1\$" || true; } | cut -d/ -f3
}

start_master
start_worker w1
dm copy apps/work
dm launch work --on w1
dm launch work --on w1 --restart always
dm launch work --on w1 --restart on-failure
dm launch work --on w1
dm stop work.4
for i in 1 2 3; do pid[i]=$(pid_of "work.$i"); done

kill -STOP "${pids[w1]}"
kill -KILL "$(supervisor_pid)"
stop_program w1 KILL || true
echo 22222222-2222-2222-2222-222222222222 >"$dir/boot"
start_worker w1
wait_for is work.1 dead
same "$(reason_of work.1)" 'exit status unknown: worker rebooted'
same "$(field ps work.1 run)" 1
for i in 2 3; do
  wait_for log_says "work.$i" 'run 2'
  same "$(field ps "work.$i" run)" 2
done
same "$(state_of work.4)" dead
for i in 1 2 3; do
  same "$(count_events "work.$i on w1: exit status unknown: worker rebooted")" 1
  # By number it could have been adopted, or killed; it was neither.
  lives "${pid[i]}" || fail "a process that has an old number was touched"
  kill -KILL "${pid[i]}"
done
dm stop all
