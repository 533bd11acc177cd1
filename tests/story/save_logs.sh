#!/bin/bash
# logs -o FILE: FILE is replaced only when everything is there, keeps its mode and its links, and is
# written through where it is no regular file.
. "$(dirname "$0")/lib.sh"

start_master
start_worker w1
app talk <<'END'
printf 'one\ntwo\n'
exec sleep 1000
END
dm launch apps/talk
wait_for log_says talk.1 two
part() { find . -maxdepth 1 -name "$1.??????"; }  # of a save that is under way
has_part() { [[ $(part "$1") ]]; }
whole=$'one\ntwo'

# A typo, and an option that is refused: FILE stays as it was.
echo before >saved
chmod 0600 saved
dm_fails 3 logs tlak -o saved
dm_fails 2 logs talk.1 --run x -o saved
dm_fails 3 logs talk.1 --run 7 -o saved
same "$(cat saved)" before
# Its mode stays, and what a neighbour's name may be.
echo mine >saved.part
ln -s saved link
dm logs talk.1 -o link
same "$(cat saved)" "$whole"
same "$(stat -c %a saved)" 600
[[ -L link ]] || fail "the link was replaced"
same "$(cat saved.part)" mine
umask 027
dm logs talk.1 -o new
same "$(stat -c %a new)" 640
same "$(part saved)" ''

# What is no regular file is written through.
mkfifo pipe
cat pipe >seen &
reader=$!
dm logs talk.1 -o pipe
wait "$reader"
same "$(cat seen)" "$whole"
[[ -p pipe ]] || fail "the FIFO was replaced"
dm logs talk.1 -o /dev/null
[[ -c /dev/null ]] || fail "/dev/null was replaced"
mkdir directory
dm_fails 1 logs talk.1 -o directory
expect_error '*directory is a directory'
dm_fails 1 logs talk.1 -o nowhere/file

# Two at once do not mix.
for round in 1 2 3 4 5; do
  "$DM_BIN_DM" --connect "$control" logs talk.1 -o both 2>/dev/null &
  "$DM_BIN_DM" --connect "$control" logs talk.1 -o both 2>/dev/null || fail "round $round"
  wait "$!" || fail "round $round: the other one"
  same "$(cat both)" "$whole"
done

# Whoever follows ends it by ^C: what came is saved.
"$DM_BIN_DM" --connect "$control" logs talk.1 -f -o followed 2>err &
follower=$!
wait_for has_part followed
wait_for cmp -s "$(part followed)" saved
kill -INT "$follower"
wait "$follower" || true
same "$(cat followed)" "$whole"

# A cut: FILE stays as it was, and what came has a name of its own.
echo before >followed
"$DM_BIN_DM" --connect "$control" logs talk.1 -f -o followed 2>err &
follower=$!
wait_for has_part followed
came=$(part followed)
wait_for cmp -s "$came" saved
stop_program master KILL || true
status=0
wait "$follower" || status=$?
same "$status" 4
same "$(cat followed)" before
same "$(cat "$came")" "$whole"
expect_error "dm: followed is as it was; the * that came are in *$(basename "$came")"
