#!/bin/bash
# copy: which files go along, under which names, what is refused before a byte travels, what does
# not travel twice, and a transfer that is cut goes on where it ended.
. "$(dirname "$0")/lib.sh"

mkdir program
cp "$DM_APPS/greeter" "$DM_APPS/libgreeting.so" program/
start_master
start_worker w1
start_worker w2
blobs_of() { find "$1/blobs" -mindepth 2 -type f -not -name '*.part' | wc -l; }

# A needed library that nobody has: one line per worker, and nothing was sent.
mkdir alone
cp program/greeter alone/
dm_fails 1 copy alone/greeter
expect_error 'dm: w1: *libgreeting.so*--lib FILE takes a library along'
expect_error '*w2: *libgreeting.so*'
same "$(blobs_of w1)" 0
same "$(blobs_of w2)" 0
# So with a symbol version that their libc lacks, and with another machine's program.
sed 's/GLIBC_2\.[0-9][0-9]/GLIBC_9.99/g' alone/greeter >alone/newer
printf '\267\000' | dd of=alone/greeter bs=1 seek=18 conv=notrunc 2>err
chmod 755 alone/newer
dm_fails 1 copy alone/newer --lib program/libgreeting.so
expect_error '*w1: *GLIBC_9.99*'
dm_fails 1 copy alone/greeter
expect_error '*w1: built for aarch64, this worker is *'
same "$(blobs_of w1)" 0

# Beside the executable, in its run path, by --lib: it is taken along, named, and found.
dm copy program/greeter --to w1
expect_line 'greeter version *: 2 files, *'
expect_line 'taken along: *program/libgreeting.so'
expect_line 'w1: 2 files sent, *'
dm launch greeter --on w1
wait_for is greeter.1 dead
same "$(reason_of greeter.1)" 'exit code 0'
log_says greeter.1 'hello from the library' || fail "the library was not used"
mkdir -p elsewhere/more
cp "$DM_APPS/greeter-runpath" elsewhere/
cp program/libgreeting.so elsewhere/more/
dm copy elsewhere/greeter-runpath
expect_line 'taken along: *elsewhere/more/libgreeting.so'
expect_line 'w1: 1 file sent, 1 already there, *'
expect_line 'w2: 2 files sent, 0 already there, *'
cp program/greeter elsewhere/by-lib
dm launch elsewhere/by-lib --lib program/libgreeting.so --on w2
wait_for is by-lib.1 dead
same "$(reason_of by-lib.1)" 'exit code 0'

# Scripts; --file lies in the working directory; --as names it; a link is copied as what it means.
printf 'some data' >data.txt
app reader <<'END'
cat data.txt
END
ln -s "$dir/apps/reader" apps/link
dm copy apps/reader --file data.txt --as other
dm launch other --on w1
wait_for is other.1 dead
read_log other.1
same "$(cat log)" 'some data'
dm copy apps/link --file data.txt
expect_line 'link version *'
dm launch link --on w2
wait_for is link.1 dead
read_log link.1
same "$(cat log)" 'some data'
same "$(find w2/apps/link -type f -name link | wc -l)" 1
cp apps/reader 'apps/Odd Näme.SH'
dm copy 'apps/Odd Näme.SH'
expect_line 'odd-*sh version *'

# What is no file for a copy.
dm_fails 3 copy nosuch
dm_fails 2 copy /etc
expect_error '*/etc*'
dm_fails 2 copy /dev/null
mkfifo pipe
dm_fails 2 copy pipe
dm_fails 3 copy apps/reader --lib nosuch.so
: >empty
dm_fails 2 copy empty
printf 'no magic' >plain
dm_fails 2 copy plain
expect_error '*neither*'
if [[ $(id -u) != 0 ]]; then
  chmod 000 plain
  dm_fails 1 copy plain
fi

# The same content under another name travels nowhere; a new version sends what is new of it.
before=$(blobs_of w1)
dm copy program/greeter --as same --to w1
expect_line 'w1: 0 files sent, 2 already there, *'
printf 'x' >>data.txt
dm copy apps/reader --file data.txt --as other
expect_line 'w1: 1 file sent, 1 already there, *'
(($(blobs_of w1) <= before + 3)) || fail "more blobs than one file and two manifests"

# Twice at the same time: both hear of the same end, nothing is sent twice.
{ printf '#!/bin/sh\n'; head -c 20000000 /dev/urandom; } >apps/big
chmod 755 apps/big
"$DM_BIN_DM" --connect "$control" copy apps/big --to w1 >first 2>&1 &
first=$!
dm copy apps/big --to w1
expect_line 'w1: * file* sent, *'
wait "$first" || fail "the first of two copies ended with $?"
same "$(grep -ch '^w1: [01] files* sent, ' first out | tr '\n' ' ')" '1 1 '
same "$(find w1/blobs -name '*.part' | wc -l)" 0

# Cut in the middle, it goes on from there, whoever asks again.
sha=$(sha256sum apps/big | cut -c1-64)
dm delete big
mkdir -p w1/blobs/tmp
head -c 15000000 apps/big >"w1/blobs/tmp/$sha.part"
dm copy apps/big --to w1
expect_line 'w1: 1 file sent, 0 already there, *'
bytes=$(sed -n 's/^w1: .* there, \([0-9.]* [A-Za-z]*\) in.*/\1/p' out)
[[ $bytes == 4.8\ MiB || $bytes == 5.0\ MB ]] || fail "5,000,0xx bytes were missing, $bytes travelled"
cmp apps/big "$(find w1/blobs -name "$sha")"
# A part that is not what it was is thrown away, and fetched again.
dm delete big
head -c 15000000 /dev/zero >"w1/blobs/tmp/$sha.part"
dm copy apps/big --to w1
cmp apps/big "$(find w1/blobs -name "$sha")"

# The agent dies in the middle: the copy is done by the next one that asks.
dm delete big
{ printf '#!/bin/sh\n'; head -c 300000000 /dev/zero; } >apps/huge
chmod 755 apps/huge
"$DM_BIN_DM" --connect "$control" copy apps/huge --to w1 >first 2>&1 &
first=$!
has_part() { [[ -n $(find w1/blobs/tmp -name '*.part' -size +1M) ]] || [[ -n $(find w1/blobs -size +200M) ]]; }
wait_for has_part
stop_program w1 KILL || true
start_worker w1
wait "$first" || true
dm copy apps/huge --to w1
cmp apps/huge "$(find w1/apps/huge/*/bin/huge)"
same "$(find w1/blobs -name '*.part' | wc -l)" 0
