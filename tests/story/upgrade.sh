#!/bin/bash
# An upgrade: the program's file is replaced under 200 living apps and the agent starts again. The
# supervisor becomes the new version in place, so that its children stay its children: same pids, no
# second launch, and exact exit codes, once each, before and after. It executes no file that anybody
# else could have written, and says so.
. "$(dirname "$0")/lib.sh"

apps=200
mkdir "$dir/bin" "$dir/ends"
cp "$DM_BIN_WORKER" "$dir/bin/dm-worker"
chmod 755 "$dir/bin/dm-worker"
built=$DM_BIN_WORKER
DM_BIN_WORKER=$dir/bin/dm-worker

app work <<'EOF'
read -r code <"$1/$DM_INSTANCE"
exit "$code"
EOF
for ((i = 1; i <= apps + 1; i++)); do mkfifo "$dir/ends/work.$i"; done
end_app() { echo "$2" >"$dir/ends/work.$1"; } # N CODE; returns when it has been read

supervisor_pid() {
  { grep -lsz -e '^--supervise$' /proc/[0-9]*/cmdline || true; } |
    { xargs -r grep -lsz -e "^$dir/w1\$" || true; } | cut -d/ -f3
}
pids_of_all() { "$DM_BIN_DM" --connect "$control" ps --json | sed 's/.*"instance":"\([^"]*\)".*"pid":\([0-9]*\),.*/\1 \2/' | sort; }
new_file() { # [FILE]: another file under the same name, as an installation does it
  cp "${1:-$built}" "$dir/bin/next"
  chmod 755 "$dir/bin/next"
  mv "$dir/bin/next" "$dir/bin/dm-worker"
}
has_ended() { # FIRST LAST: all of these, with the exit code that they were given, once
  local i
  for ((i = $1; i <= $2; i++)); do grep -q "^work.$i:exit code $((i % 100))\$" "$dir/ended" || return 1; done
}
look() {
  "$DM_BIN_DM" --connect "$control" ps --all --json |
    sed -n 's/.*"instance":"\([^"]*\)".*"reason":"\([^"]*\)".*/\1:\2/p' >"$dir/ended"
  "$@"
}
lines_of_log() { grep -c -- "$1" "$dir/w1.log" || true; }
log_has() { (($(lines_of_log "$1") >= $2)); } # PATTERN N

start_master
start_worker w1
dm copy apps/work
dm launch work --on w1 --count "$apps" -- "$dir/ends"
supervisor=$(supervisor_pid)
pids_of_all >"$dir/before"
same "$(wc -l <"$dir/before")" "$apps"

# kill -9 of the agent; some end while there is none.
stop_program w1 KILL || true
for ((i = 1; i <= 40; i++)); do end_app "$i" $((i % 100)); done
start_worker w1
wait_for look has_ended 1 40
same "$(supervisor_pid)" "$supervisor"
tail -n +1 "$dir/before" | grep -vE '^work\.([1-9]|[1-3][0-9]|40) ' >"$dir/left"
pids_of_all >"$dir/now"
cmp -s "$dir/left" "$dir/now" || fail "not the same apps run: $(diff "$dir/left" "$dir/now" | head -n 3)"
same "$(lines_of_log 'the supervisor')" 0

# The upgrade; more of them end before the new agent is there.
new_file
stop_program w1 || true
for ((i = 41; i <= 80; i++)); do end_app "$i" $((i % 100)); done
start_worker w1
wait_for log_has 'the supervisor now is version' 1
wait_for look has_ended 1 80
same "$(supervisor_pid)" "$supervisor"
same "$(stat -L -c %i "/proc/$supervisor/exe")" "$(stat -c %i "$dir/bin/dm-worker")"
grep -vE '^work\.([1-9]|[1-7][0-9]|80) ' "$dir/before" >"$dir/left"
pids_of_all >"$dir/now"
cmp -s "$dir/left" "$dir/now" || fail "not the same apps run: $(diff "$dir/left" "$dir/now" | head -n 3)"

# It waits for its children as before, and they obey as before.
for ((i = 81; i <= 120; i++)); do end_app "$i" $((i % 100)); done
wait_for look has_ended 1 120
dm stop work.121
expect_line '*stopped by operator: SIGINT, killed by SIGINT*'
dm launch work --on w1 -- "$dir/ends"
dm kill "work.$((apps + 1))"
same "$(count_events "exited.*work.*exit code")" 120
same "$(count_events 'exited')" 122
same "$(count_events 'exit status unknown')" 0
[[ $(field ps work.100 max_rss_bytes) -gt 0 ]] || fail "how much work.100 used is not known"

# A program that others may write, or may replace, is not executed.
refused() { # N WORDS: the Nth refusal, for these words
  stop_program w1 || true
  DM_BIN_WORKER=$built start_worker w1
  wait_for log_has 'the supervisor stays as it was: ' "$1"
  grep -q -- "the supervisor stays as it was: $2" "$dir/w1.log" || fail "it was refused, but not for: $2"
  same "$(supervisor_pid)" "$supervisor"
}
new_file
chmod g+w "$dir/bin/dm-worker"
refused 1 "$dir/bin/dm-worker may be written by others"
new_file
chmod o+w "$dir/bin"
refused 2 "$dir/bin may be written by others"
chmod o-w "$dir/bin"
new_file
mv "$dir/bin/dm-worker" "$dir/bin/real"
ln -s real "$dir/bin/dm-worker"
refused 3 "open $dir/bin/dm-worker: "
rm "$dir/bin/dm-worker"
refused 4 "open $dir/bin/dm-worker: No such file or directory"
new_file /bin/false
refused 5 'the new program cannot take over'
echo garbage >"$dir/bin/next"
chmod 755 "$dir/bin/next"
mv "$dir/bin/next" "$dir/bin/dm-worker"
refused 6 'the new program cannot take over'
if ((EUID == 0)); then
  new_file
  chown 65534 "$dir/bin/dm-worker"
  refused 7 "$dir/bin/dm-worker belongs to another user"
fi

# And after all that it still knows its apps.
end_app 200 42
wait_for is work.200 dead
same "$(reason_of work.200)" 'exit code 42'

# What it has adopted stays adopted over an upgrade.
DM_BIN_WORKER=$dir/bin/dm-worker
new_file
stop_program w1 KILL || true
kill -KILL "$supervisor"
wait_for gone "$supervisor"
start_worker w1
supervisor=$(supervisor_pid)
pids_of_all >"$dir/now"
new_file
stop_program w1 || true
start_worker w1
wait_for log_has 'the supervisor now is version' 2
same "$(supervisor_pid)" "$supervisor"
pids_of_all >"$dir/left"
cmp -s "$dir/left" "$dir/now" || fail "not the same apps run: $(diff "$dir/left" "$dir/now" | head -n 3)"
end_app 199 3
wait_for is work.199 dead
same "$(reason_of work.199)" 'exit status unknown'
dm stop work.198
expect_line '*stopped by operator: SIGINT, exit status unknown*'
