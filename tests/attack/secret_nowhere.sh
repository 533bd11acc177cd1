#!/bin/bash
# No secret and no key stands anywhere but in its file: not on a command line, in an environment, a
# log, a journal, the words of an error; and no app sees where the file is.
. "$(dirname "$0")/lib.sh"

export DM_SECRET_FILE=$secret
start_master --control "$dir/master/control.sock" --control 127.0.0.1:0
unset DM_SECRET_FILE
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log)
make_key w1.key --worker w1
make_key ann.key --control ann --role admin
export DM_SECRET_FILE=$dir/w1.key
start_worker w1
unset DM_SECRET_FILE
app env <<'END'
env
tr '\0' '\n' </proc/self/environ
ls -l /proc/self/fd
exec sleep 1000
END
dm launch apps/env --on w1
DM_SECRET_FILE=$dir/ann.key "$DM_BIN_DM" --connect "127.0.0.1:$tcp" events -f >follow.log 2>&1 &
pids[follow]=$!
wait_for test -s follow.log
wait_for log_says env.1 'HOME=*'

keys=()
for file in "$secret" w1.key ann.key; do keys+=(-e "$(sed 's/.* //' "$file")"); done
nowhere() { ! grep -qaiF "${keys[@]}" "$@" || fail "a key stands in one of: $*"; }

# Every process of ours, and the app.
count=0
for pid in $(leftovers | sort -u); do
  nowhere "/proc/$pid/cmdline" "/proc/$pid/environ"
  count=$((count + 1))
done
((count >= 5)) || fail "only $count processes were looked at"
read_log env.1
nowhere log
! grep -qE 'DM_SECRET|\.key|NOTIFY_SOCKET|LISTEN_' log || fail "the app was told too much: $(cat log)"
! grep -qE 'journal|lock|supervisor|socket' log || fail "the app holds a descriptor of ours"

# What was written; and errors about keys.
for text in "dm-secret $(sed 's/.* //' "$secret" | cut -c1-63)" "$(sed 's/.* //' "$secret")" \
  "dm-worker w1 0 $(sed 's/.* //' w1.key)" "dm-worker w1 1 $(sed 's/.* //' w1.key) more"; do
  echo "$text" >bad.key
  chmod 600 bad.key
  ! "$DM_BIN_WORKER" --master "127.0.0.1:$port" --name w1 --root "$dir/x" --secret-file bad.key \
    2>>errors.log || fail "it starts with: $text"
  ! "$DM_BIN_DM" --connect "127.0.0.1:$tcp" --secret-file bad.key ps 2>>errors.log || fail "it opens"
  ! "$DM_BIN_MASTER" --no-shell --state "$dir/y" --listen 127.0.0.1:0 --secret-file bad.key \
    2>>errors.log || fail "it starts with: $text"
done
kill -HUP "${pids[master]}"
wait_for says "$(echo master-*.log)" '*keys read again'
while IFS= read -r file; do nowhere "$file"; done < <(
  find . -type f ! -name '*.key' ! -path "./${secret##*/}" -size -1000k)
! ls core* >/dev/null 2>&1 || fail "a core lies about"
