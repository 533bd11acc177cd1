#!/bin/bash
# An app fills its working directory with what makes deleting hard or dangerous: links to a victim
# outside, names of every kind, trees deeper than a path can say, directories that forbid everything,
# FIFOs. It is started again upon that, and deleted without a trace and without harm.
. "$(dirname "$0")/lib.sh"

mkdir -p victim/tmp
echo untouched >victim/file
chmod 711 victim victim/tmp
picture() { find victim -printf '%p %y %m %u:%g %s\n' | sort; }
before=$(picture)

app hoarder <<'APP'
cd "$HOME"
if [ ! -e ready ]; then
  ln -s "$1" link
  ln -s "$1/file" file
  rm -rf tmp data
  ln -s "$1" tmp
  ln -s "$1/file" data
  ln -s loop loop
  ln -s "$1/nowhere" nowhere
  mkfifo fifo
  mkdir -p -- -rf "new
line" "$(printf '\377\376')" '*' ... ' ' '%2e%2e' "$(printf 'n%0254d' 0)/below"
  deep=$(printf 'd/%.0s' $(seq 1900))
  mkdir -p "$deep"
  ln -s "$1" "${deep}link"
  touch -- -rf/x '*/x'
  mkdir -p forbidden/inside
  touch forbidden/inside/file
  chmod 000 forbidden/inside
  chmod 500 forbidden
  : >ready
fi
echo run "$DM_RUN"
exec sleep 1000
APP
echo data >apps/data
start_master
start_worker w1
dm copy apps/hoarder --file apps/data
dm launch hoarder -- "$dir/victim"
wait_for log_says hoarder.1 'run 1'
[[ -e w1/work/hoarder.1/forbidden ]] || fail "it did not make what it should"
dm stop hoarder.1
dm start hoarder.1
wait_for log_says hoarder.1 'run 2'
same "$(picture)" "$before"
dm delete hoarder --force
# shellcheck disable=SC2011  # on one line is all that is meant
same "$(ls -A w1/work w1/apps | xargs)" 'w1/apps: w1/work:'
same "$(find w1/blobs -type f | wc -l)" 0
same "$(picture)" "$before"
# The name is free again.
dm copy apps/hoarder --file apps/data
dm launch hoarder -- "$dir/victim"
wait_for log_says hoarder.2 'run 1'
dm delete hoarder --force
same "$(picture)" "$before"
