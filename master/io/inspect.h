// master/io/inspect.h - `--check` and `--repair`: looks at the journal of a master that does not
// run, and saves what can be saved of a damaged one.
#pragma once

#include <string>

namespace dm::master {

// Says on standard output what the journal in `directory` is. 0 if a master would start with it
// (a write that was cut at its end is normal), 1 if not, 111 if it cannot be read.
int check_journal(const std::string& directory);

// Keeps a copy as journal.damaged-TIME and writes a journal of every record that is whole and
// fits those before it. 0 done (also if nothing was wrong), 1 if nothing can be saved, 111 for
// errors. Refused while a master runs there.
int repair_journal(const std::string& directory);

}  // namespace dm::master
