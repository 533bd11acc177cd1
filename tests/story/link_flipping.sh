#!/bin/bash
# An attacker of the apps' own user flips names beside a worker at work: files and directories are
# links to a victim outside, second names of its file, or FIFOs for a moment, while versions are
# installed, instances launched, their logs rotated and read, and everything deleted. Much of that
# may fail; the victim stays as it was, nothing hangs, and afterwards dm goes on.
. "$(dirname "$0")/lib.sh"
flipper=$DM_APPS/flipper
[[ -x $flipper ]] || skip "no flipper was built"
seconds=${DM_FLIP_SECONDS:-10}

# The victim: a directory with all the names that a worker makes, and a file.
mkdir -p victim/tmp victim/bin victim/lib victim/files victim/data
for file in file data/kept tmp/kept bin/target manifest; do echo untouched >"victim/$file"; done
chmod 711 victim victim/tmp
chmod 600 victim/file
picture() {
  find victim -printf '%p %y %m %u:%g %s\n' | sort
  find victim -type f -exec sha256sum {} + | sort
}

app target <<'APP'
mkdir -p "$HOME/deep/er"
i=0
while :; do
  seq -f "line %08g of a log that is rotated while somebody flips its name" $i $((i + 999))
  i=$((i + 1000))
  sleep 0.05
done
APP
echo data >apps/data
start_master
start_worker w1
dm copy apps/target --file apps/data
before=$(picture)

paths=(w1/apps w1/apps/target w1/apps/target.gone w1/blobs w1/blobs/tmp w1/work w1/logs)
for n in {1..12}; do
  work=w1/work/target.$n log=w1/logs/target.$n.1
  paths+=("$work" "$work.tmp" "$work/tmp" "$work/data" "$work/deep" "$work/deep/er"
    "$log" "$log.times" "$log.times.tmp" "$log.gone" "$log.gone.tmp")
done
for blob in w1/blobs/??; do paths+=("$blob"); done
for version in w1/apps/target/*; do paths+=("$version" "$version.tmp" "$version/bin" "$version/bin/target"); done
# Two attackers: one takes what is on top as well, the other is quick at the rest.
"$flipper" "$dir/victim" "${paths[@]}" >flips &
first=$!
"$flipper" "$dir/victim" "${paths[@]:7}" >flips2 &
second=$!
end_story() { kill "$first" "$second" 2>/dev/null || true; }

# Whatever the outcome: an answer must come.
try() {
  local status=0
  timeout "$patience" "$DM_BIN_DM" --connect "$control" "$@" >>tried 2>&1 </dev/null || status=$?
  ((status < 124)) || fail "no answer to: $*"
  ((status == 0)) && succeeded=$((succeeded + 1)) || true
}
succeeded=0 round=0
end=$((SECONDS + seconds))
while ((SECONDS < end)); do
  round=$((round + 1))
  printf '#%s\n' "$round" >>apps/target
  try copy apps/target --file apps/data
  try launch target --count 2 --log-max 64K
  try logs "target.$((round * 2 - 1))" -n 5
  try stop target --timeout 1s
  ((round % 3)) || try delete target --force
done
kill "$first" "$second"
wait "$first" "$second"
for file in flips flips2; do (($(cat $file) > 100)) || fail "hardly anything was flipped"; done
echo "$story: $round rounds, $succeeded commands succeeded, $(cat flips flips2 | xargs) flips"

same "$(picture)" "$before"
lives "${pids[w1]}" || fail "the agent has ended"
lives "${pids[master]}" || fail "the master has ended"

# Somebody tidies up what the attacker has left lying about, and all is well.
find w1 \( -type l -o -type p \) -delete 2>/dev/null || true
for name in apps blobs blobs/tmp work logs; do [[ -d w1/$name ]] || fail "w1/$name was not put back"; done
app after <<'APP'
echo all is well
exec sleep 1000
APP
dm launch "$dir/apps/after" --on w1
wait_for log_says after.1 'all is well'
dm kill after
dm delete after
[[ ! -e w1/work/after.1 && ! -e w1/apps/after ]] || fail "something of it is left"
same "$(picture)" "$before"
