#!/bin/bash
# The shell on a terminal, as tmux plays one: typing, TAB, history, ^C that stops waiting and
# nothing else, ^Z, an event above a half-typed line, and the end.
. "$(dirname "$0")/lib.sh"
need tmux

screen=$dir/tmux.sock
tmux_() { tmux -S "$screen" -f /dev/null "$@"; }
end_story() { tmux_ kill-server; }

keys() { tmux_ send-keys -t 0 "$@"; }
shown() { tmux_ capture-pane -p -t 0 >"$dir/out" && says "$dir/out" "$1"; }
see() { wait_for shown "$1"; }
# The line with the cursor, without the blanks at its end.
row() { tmux_ capture-pane -p -t 0 | sed -n "$(($(tmux_ display -p -t 0 '#{cursor_y}') + 1))p"; }
row_is() { [[ $(row) == "$1" ]]; }
typed() { wait_for row_is "$1"; }
row_has() { [[ $(row) == *"$1"* ]]; }
cursor_at() { [[ $(tmux_ display -p -t 0 "#{cursor_x}") == "$1" ]]; }

app work <<'END'
trap 'exit 0' INT
[ "$1" != deaf ] || trap '' INT
echo ready
while :; do sleep 0.1; done
END

# In tmux, the master is a session leader, which cannot change its own process group.
tmux_ new-session -d -x 100 -y 30 env HOME="$HOME" XDG_STATE_HOME="$XDG_STATE_HOME" \
  sh -c "'$DM_BIN_MASTER' --insecure --listen 127.0.0.1:0 --state '$dir/master' --port-file '$dir/port'; echo ended with \$?; exec sleep 1000"
typed 'dm>'
port=$(cat port)
pids[master]=$(pgrep -P "$(tmux_ display -p -t 0 '#{pane_pid}')" dm-master)
start_worker w1
see '*worker w1 is up*'

# Typing, a wrong word, editing in the middle.
keys 'wrkers' Left Left Left Left Left o
typed 'dm> workers'
keys Enter
see 'w1 *up *'
keys 'lunch' Enter
see "*did you mean 'launch'*"

# TAB: a command, an option, a file, an app, a worker.
keys 'cop' Tab
typed 'dm> copy'
keys "$dir/apps/wo" Tab
typed "dm> copy $dir/apps/work"
keys Enter
see 'w1: 1 file sent*'
keys 'launch wo' Tab '--cou' Tab '1 --on w' Tab '-- deaf'
typed 'dm> launch work --count 1 --on w1 -- deaf'
keys Enter
see 'work.1 w1 *'

# History, kept in a file too; and the search in it.
keys Up
typed 'dm> launch work --count 1 --on w1 -- deaf'
keys Up
typed "dm> copy $dir/apps/work"
keys Down C-u
typed 'dm>'
keys C-r 'cop'
wait_for row_has "copy $dir/apps/work"
keys C-g C-u
grep -qx 'launch work --count 1 --on w1 -- deaf *' "$XDG_STATE_HOME/dm/history" || fail "the history was not kept"

# ^C on a half-typed line clears it; while a command waits it gives up waiting, not the work.
keys 'half a li'
typed 'dm> half a li'
keys C-c
typed 'dm>'
wait_for log_says work.1 ready
pid=$(pid_of work.1)
keys 'stop work.1 --timeout 2s' Enter
wait_for is work.1 stopping
keys C-c
see '*no longer waiting*'
typed 'dm>'
lives "${pids[master]}" || fail "^C ended the master"
wait_for gone "$pid"
wait_for is work.1 dead

# An event is printed above the line that is being typed, and leaves it whole.
keys 'launch --on w1 work'
typed 'dm> launch --on w1 work'
keys Left Left Left Left
wait_for cursor_at 19
stop_program w1 KILL || true
see '*w1*closed*'
typed 'dm> launch --on w1 work'
wait_for cursor_at 19
start_worker w1
see '*worker w1 is up*'
typed 'dm> launch --on w1 work'
keys Enter
see 'work.2 w1 *'

# A resize redraws; wide characters move the cursor by two columns.
keys 'ps '
tmux_ resize-window -t 0 -x 60 -y 20
typed 'dm> ps'
keys C-u '日本é'
wait_for cursor_at 9
keys C-u

# ^Z and ^\ do not freeze or end the daemon.
keys C-z
keys C-\\
keys 'version' Enter
see 'dm [0-9]*'
worker_is w1 up || fail "the master stands still"

# quit ends the master; the apps go on.
pid=$(pid_of work.2)
keys 'quit' Enter
see 'ended with 0'
gone "${pids[master]}" || fail "the master goes on after quit"
unset 'pids[master]'
lives "$pid" || fail "work.2 ended with the master"
