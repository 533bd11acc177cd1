#!/bin/bash
# usage: scripts/bench --swarm [BUILD-DIR] [--swarm-only ROW] [--scale FRACTION]
# Measures the master with thousands of workers that speak the real protocol (swarm.cc), on loopback.
# Rows: launch cost idle restart ps memory orders failover nat. A scale of 0.1 takes a tenth of the
# workers and instances. BENCH_BUILT=1 takes the programs as they are. At full scale about 10 minutes, 20,000 descriptors and 2 GB of memory.
set -eu

repo=$(cd "$(dirname "$0")/../.." && pwd)
build=$repo/build only='' scale=1
while (($# > 0)); do
  case $1 in
    --swarm-only) only=$2; shift 2 ;;
    --scale) scale=$2; shift 2 ;;
    -*) echo "bench: unknown option $1" >&2; exit 100 ;;
    *) build=$1; shift ;;
  esac
done
if [ -z "${BENCH_BUILT:-}" ]; then
  [ -e "$build/CMakeCache.txt" ] || cmake -S "$repo" -B "$build" >/dev/null
  cmake --build "$build" --target dm-master dm dm-swarm >"$build/bench-build.log" || {
    tail -n 30 "$build/bench-build.log" >&2
    exit 1
  }
fi
bench=$build/tests/bench
temp=$(mktemp -d "${TMPDIR:-/tmp}/dm-swarm.XXXXXX")
control=$temp/master/control.sock
master='' swarms=() helpers=()

end_pids() {  # PID...
  for pid in "$@"; do kill -9 "$pid" 2>/dev/null || true; done
  for pid in "$@"; do wait "$pid" 2>/dev/null || true; done
}
clear_up() {
  end_pids "${swarms[@]}" "${helpers[@]}" $master
  swarms=() helpers=() master=''
  rm -rf "${temp:?}"/*
}
trap 'clear_up; rm -rf "$temp"' EXIT

dm() { timeout "${patience:-300}" "$build/master/dm" --connect "$control" "$@"; }
scaled() { awk -v n="$1" -v s="$scale" 'BEGIN { n = int(n * s); print n < 1 ? 1 : n }'; }
divide() { awk -v a="$1" -v b="$2" -v f="${3:-%.2f}" 'BEGIN { printf f, b ? a / b : 0 }'; }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
# Processor time of a process in milliseconds, all its threads.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"; }
# Until a process is at rest: a journal may just be compacted.
is_at_rest() { local cpu; cpu=$(cpu_ms "$1"); sleep 0.5; [ "$(($(cpu_ms "$1") - cpu))" -le 50 ]; }
rss_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"; }
await() {  # SECONDS COMMAND...: false when the time is over
  local until=$(($(now_ms) + $1 * 1000))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(now_ms)" -lt $until ] || return 1
    sleep 0.02
  done
}
show() {  # WHAT FIGURE BEFORE WANTED
  printf '%-42s | %-58s | %-44s | %s\n' "$@"
}

start_master() {  # OPTION...: the port of an earlier start is kept
  mkdir -p "$temp/master"
  local at=${port:-0}
  rm -f "$temp/port"
  "$build/master/dm-master" --no-shell --listen "127.0.0.1:$at" --state "$temp/master" \
    --port-file "$temp/port" "$@" 2>>"$temp/master.log" &
  master=$!
  await 120 test -s "$temp/port"
  port=$(cat "$temp/port")
}
start_swarm() {  # NAME WORKERS OPTION...: its counts are in $temp/NAME.status
  local name=$1
  "$bench/dm-bench-swarm" "127.0.0.1:$port" "$2" --status "$temp/$name.status" "${@:3}" &
  swarms+=($!)
}
count_of() { sed -n "s/.* $2=\([0-9]*\).*/\1/p" "$temp/$1.status"; }
has_count() { [ "$(count_of "$1" "$2")" -ge "$3" ]; }
# A master and N workers, each with the app "idle".
start_with() {  # WORKERS OPTION-OF-MASTER...
  port=
  start_master --insecure "${@:2}"
  start_swarm w "$1" --ramp $((1000 + $1))
  await 120 has_count w up "$1" || echo "bench: only $(count_of w up) of $1 workers are up" >&2
  dm copy "$bench/dm-bench-pause" --as idle >"$temp/copy" 2>&1 || tail -n 1 "$temp/copy" >&2
  await 60 has_count w up "$1" || true
}
lost_events() { dm events -n 100000 --json 2>/dev/null | grep -c '"worker-lost"' || true; }
# Another operator, meanwhile; answer: COUNT MEDIAN SLOWEST in milliseconds.
begin_asking() {  # COMMAND [PERIOD_MS]
  "$bench/dm-bench-ask" "$control" "${2:-20}" 300 "$1" >"$temp/asked" &
  asker=$!
  helpers+=("$asker")
}
asked() {
  kill "$asker" 2>/dev/null || true
  await 10 test -s "$temp/asked" || true
  cat "$temp/asked"
}
launch_many() {  # COUNT OPTION...: says how many instances began
  local launched=0
  launched=$(dm launch idle --count "$@" 2>"$temp/errors" | grep -c '^idle' || true)
  echo "$launched"
}

row_launch() {
  local workers count begun took launched answers
  workers=$(scaled 10000) count=$workers
  start_with "$workers"
  local lost_before
  lost_before=$(lost_events)
  begin_asking version
  begun=$(now_ms)
  launched=$(launch_many "$count")
  took=$(($(now_ms) - begun))
  answers=$(asked)
  show "launch --count $count, $workers workers" \
    "$launched run, $(($(lost_events) - lost_before)) lost, $(divide $took 1000 %.2f) s, version <= ${answers##* } ms" \
    "all fail, every worker lost, version 17 s" "all run, 0 lost, version <= 50 ms"
  clear_up
}

row_cost() {
  local workers count begun cpu idle took launched
  for workers in 100 1000 10000; do
    workers=$(scaled $workers)
    count=$(scaled 10000)
    start_with "$workers"
    cpu=$(cpu_ms $master)
    sleep 3
    idle=$(divide "$(($(cpu_ms $master) - cpu))" 3000 %.6f)
    begun=$(now_ms) cpu=$(cpu_ms $master)
    launched=$(launch_many "$count")
    took=$(($(now_ms) - begun)) cpu=$(($(cpu_ms $master) - cpu))
    show "processor per launch, $workers workers" \
      "$(awk -v c=$cpu -v i="$idle" -v t=$took -v n="$count" 'BEGIN { printf "%.0f us", (c - i * t) * 1000 / n }') ($launched of $count run)" \
      "32 / 90 / 1828 us at 100 / 1000 / 10000" "the same at all three"
    clear_up
  done
}

measure_idle() {  # PID: percent of a processor over 10 s
  local cpu
  cpu=$(cpu_ms "$1")
  sleep 10
  divide "$(($(cpu_ms "$1") - cpu))" 100 %.1f
}
# The same swarm before a program that does next to nothing.
measure_reader() {  # [beats]
  "$bench/dm-bench-epoll" "$@" >"$temp/epoll.port" &
  local reader=$!
  helpers+=("$reader")
  await 10 test -s "$temp/epoll.port"
  port=$(cat "$temp/epoll.port")
  start_swarm e "$workers" --ramp $((1000 + workers / 2))
  await 120 has_count e up "$workers" || true
  sleep 1
  measure_idle $reader
  clear_up
}
row_idle() {
  local workers busy
  workers=$(scaled 10000)
  port=
  start_master --insecure
  start_swarm w "$workers" --ramp $((1000 + workers / 2))
  await 120 has_count w up "$workers" || true
  sleep 1
  busy=$(measure_idle $master)
  local up
  up=$(count_of w up)
  clear_up
  show "$workers idle workers, a beat a second" "$busy % of a core ($up up)" "36 to 75 %" "<= 12 %"
  show "" "plain epoll reader $(measure_reader) %, reader that beats $(measure_reader beats) %" "6.3 %" ""
}

row_restart() {
  local workers count begun took answers launched=0 listing
  workers=$(scaled 1000) count=$(scaled 100000)
  start_with "$workers"
  while ((launched < count)); do
    launch_many $((count - launched < 2000 ? count - launched : 2000)) >"$temp/launched"
    launched=$((launched + 2000))
  done
  launched=$(count_of w living)
  end_pids $master
  await 30 has_count w cut "$workers" || true
  begun=$(now_ms)
  start_master --insecure
  local listens=$(($(now_ms) - begun))
  begin_asking version
  await 300 has_count w up "$workers" || true
  took=$(($(now_ms) - begun))
  answers=$(asked)
  begin_asking workers
  sleep 1
  listing=$(asked)
  show "restart, $workers workers, $launched instances" \
    "$(divide $took 1000 %.1f) s ($(count_of w up) up; listens after $(divide $listens 1000 %.1f) s), version <= ${answers##* } ms, workers then ${listing##* } ms" \
    "> 94 s, workers blocked 10 s" "10 s, no command above 100 ms"
  clear_up
}

row_ps() {
  local dead answers cpu
  dead=$(scaled 10000)
  start_with 10 --keep-ended 1000000
  launch_many "$dead" >"$temp/launched"
  dm kill idle >"$temp/killed" 2>&1 || true
  launch_many 200 >"$temp/launched"
  await 20 is_at_rest $master || true
  cpu=$(cpu_ms $master)
  begin_asking ps
  sleep 3
  answers=$(asked)
  cpu=$(divide $(($(cpu_ms $master) - cpu)) "${answers%% *}" %.1f)
  show "ps of $(cat "$temp/launched") beside $dead dead" "$(cut -d ' ' -f 2 <<<"$answers") ms, $cpu ms of processor each" "18.9 ms" "3 ms"
  clear_up
}

row_memory() {
  local count before after later launched
  count=$(scaled 20000)
  start_with 100
  before=$(rss_kib $master)
  launched=$(launch_many "$count")
  sleep 2
  after=$(rss_kib $master)
  sleep 60
  later=$(rss_kib $master)
  show "memory of an instance in the master" \
    "$(divide $((after - before)) "$launched") KiB, $(divide $((later - after)) "$launched") more after a minute" \
    "4.1 KiB, 18 after an hour" "1 KiB, bounded"
  clear_up
}

row_orders() {
  local count launched answers value
  count=$(scaled 400)
  value=$(printf '%050000d' 0)
  start_with 1
  launch_many 1 >"$temp/launched"
  begin_asking "usage idle.1" 100
  launched=$(patience=60 launch_many "$count" --env "A=$value")
  sleep 1
  answers=$(asked)
  show "one worker, launch --count $count of 50 kB" \
    "$launched run, $(count_of w cut) sessions cut, usage <= ${answers##* } ms" \
    "turned away for ever" "all run, others pass between"
  clear_up
}

row_failover() {
  local count value begun piece
  count=$(scaled 180)
  value=$(printf '%050000d' 0)
  start_with 1 --move-after 1s
  for piece in $((count / 2)) $((count - count / 2)); do
    dm launch idle --count "$piece" --env "A=$value" --restart always --on-lost move \
      >"$temp/launched" 2>&1 || true
  done
  start_swarm b 1 --prefix b
  await 30 has_count b up 1
  dm copy "$bench/dm-bench-pause" --as idle --to b0 >"$temp/copy"
  end_pids "${swarms[0]}"
  begun=$(now_ms)
  await 20 sh -c "'$build/master/dm' --connect '$control' workers | grep -q '^w0 .*lost'" || true
  dm failover resume >"$temp/resumed" 2>&1 || true
  await 40 has_count b launched "$count" || true
  show "failover of $count of 50 kB" \
    "$(count_of b launched) moved in $(divide $(($(now_ms) - begun)) 1000 %.1f) s, $(count_of b cut) sessions cut" \
    "turned away for ever" "all run"
  clear_up
}

row_nat() {
  local workers begun
  workers=$(scaled 2000)
  port=
  "$build/master/dm" keygen "$temp/secret" >/dev/null
  start_master --secret-file "$temp/secret"
  begun=$(now_ms)
  start_swarm w "$workers" --addresses 1 --ramp 2000 --secret-file "$temp/secret"
  await 40 has_count w up "$workers" || true
  show "$workers workers of one address, with keys" \
    "$(count_of w up) up after $(divide $(($(now_ms) - begun)) 1000 %.1f) s, $(count_of w refused) times refused" \
    "976 are busy for ever" "all up"
  clear_up
}

show ROW FIGURE "WHEN THE AIMS WERE SET" WANTED
for row in ${only:-launch cost idle restart ps memory orders failover nat}; do
  "row_$row"
done
