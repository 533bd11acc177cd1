#!/bin/bash
# A file system that makes no holes (ramfs): a log over its budget is truncated, and what went is
# counted, for those who follow it as well.
. "$(dirname "$0")/lib.sh"
[[ $(id -u) == 0 ]] || skip "mounting a file system takes root"
mkdir -p w1/logs
mount -t ramfs dm-story "$dir/w1/logs" 2>err || skip "mount: $(cat err)"
trap 'status=$?; trap - ERR; set +e; umount -l "$dir/w1/logs"; (exit "$status"); end_all' EXIT

app counter <<'END'
seq -f "line %08g of a log that is to be cut" 0 4999 >lines
dd if=lines bs=1M 2>/dev/null  # in one write, which is cut whole or not at all
until [ -e "$1" ]; do sleep 0.02; done
echo done; exec sleep 1000
END
start_master
start_worker w1
dm copy apps/counter
dm launch counter --on w1 --log-max 64K -- "$dir/go"
wait_for test -s w1/logs/counter.1.1.gone
{ seq -f 'line %08g of a log that is to be cut' 0 4999; echo done; } >want
touch go
wait_for log_says_last counter.1 done
dm logs counter.1
expect_error 'dm: * bytes cut at offset 0'
cut=$(sed -n 's/^dm: \([0-9]*\) bytes cut at offset 0$/\1/p' err)
((cut > 0)) || fail "nothing was cut"
tail -c "+$((cut + 1))" want | cmp - out
dm logs counter.1 -t
expect_line '*Z done'
