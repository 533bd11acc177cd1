#!/bin/bash
# One id is one worker: under another name it is still the same one, with its app; a copy of its root
# without its secret is nobody. With keys and without.
. "$(dirname "$0")/lib.sh"

app stay <<'EOT'
exec sleep 1000
EOT

for security in insecure keys; do
  if [[ $security == keys ]]; then
    secret=$dir/secret
    "$DM_BIN_DM" keygen "$secret" >/dev/null
  fi
  start_master
  start_worker w1
  dm copy apps/stay
  dm launch stay --on w1 --restart always
  pid=$(pid_of stay.1)
  # The secret is known from the first session on.
  [[ $security == insecure ]] || wait_for grep -q '^WORKER .*identity=' master/journal
  stop_program w1
  if [[ $security == keys ]]; then
    mkdir copied
    cp -a w1/id copied/id
    make_key copied.key --worker copied
    begin_worker copied
    wait_for says copied.log '*refused: *ROOT/identity*--new-identity*'
    stop_program copied
  fi
  # The same root under another name.
  start_worker w2 --root "$dir/w1"
  roots[w2]=$dir/w1
  same "$(pid_of stay.1)" "$pid"
  lives "$pid" || fail "the app was ended by the rename"
  dm ps
  expect_line 'stay.1*w2*'
  dm_fails 3 describe worker/w1
  dm events
  expect_line '*worker w1 is called w2 from now on*'
  dm stop all
  stop_program w2
  stop_program master
  rm -r w1 master
done
