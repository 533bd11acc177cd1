#!/bin/bash
# A shell that is killed, and a terminal that is hung up on, leave the master running, and the
# terminal as it was.
. "$(dirname "$0")/lib.sh"
need tmux

screen=$dir/tmux.sock
tmux_() { tmux -S "$screen" -f /dev/null "$@"; }
end_story() { tmux_ kill-server 2>/dev/null || true; }
shown() { tmux_ capture-pane -p -t 0 >"$dir/out" && says "$dir/out" "$1"; }

# In tmux the master leads the session, and hears of the hangup itself as well.
begin() {
  tmux_ new-session -d -x 100 -y 30 env HOME="$HOME" XDG_STATE_HOME="$XDG_STATE_HOME" \
    "$DM_BIN_MASTER" --insecure --listen 127.0.0.1:0 --state "$dir/master"
  wait_for shown 'dm>'
  control=$dir/master/control.sock
  pids[master]=$(tmux_ display -p -t 0 '#{pane_pid}')
}

begin
terminal=$(tmux_ display -p -t 0 '#{pane_tty}')
kill -KILL "$(pgrep -P "${pids[master]}")"
wait_for shown '*the shell ended (status 137); the master goes on'
stty -F "$terminal" -a >"$dir/out"
expect_line 'isig icanon*'
dm version
kill -TERM "${pids[master]}"
wait_for gone "${pids[master]}"

begin
shell=$(pgrep -P "${pids[master]}")
tmux_ kill-server
wait_for gone "$shell"
# Reaped: the master has heard of it.
dm version
lives "${pids[master]}" || fail "the master has ended"
kill -TERM "${pids[master]}"
wait_for gone "${pids[master]}"
unset 'pids[master]'
