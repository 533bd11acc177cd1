#!/bin/bash
# Where operators connect: a TCP endpoint takes the Unix socket from nobody, another path does.
. "$(dirname "$0")/lib.sh"

start_master --control 127.0.0.1:0
same "$control" "$dir/master/control.sock"
tcp=$(sed -n 's/^dm-master: control on 127.*:\([0-9]*\)$/\1/p' master-*.log)
dm version
"$DM_BIN_DM" --connect "127.0.0.1:$tcp" version >out 2>err || fail "no way in by TCP"

# Who knocks at the wrong door hears which one is right.
printf 'HELLO proto=1 name=w1\n' | timeout 20 nc -N 127.0.0.1 "$tcp" >out
expect_line 'ERR code=denied msg=operators%20connect%20here,%20workers%20at%20the%20master*s%20--listen*'
printf 'HELLO proto=1 name=ann as=control\n' | timeout 20 nc -N 127.0.0.1 "$port" >out
expect_line 'ERR code=denied msg=workers%20connect%20here,%20operators%20at%20the%20master*s%20--control*'
printf 'GET / HTTP/1.1\n' | timeout 20 nc -N 127.0.0.1 "$port" >out
expect_line 'ERR code=bad-line *'
printf 'help\n' | timeout 20 nc -N 127.0.0.1 "$tcp" >out
expect_line 'ERR code=bad-line *'

stop_program master || true
start_master --control "$dir/other.sock"
same "$control" "$dir/other.sock"
dm version
[[ ! -e master/control.sock ]] || fail "the usual socket is there as well"
