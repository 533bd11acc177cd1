// common/io/journal_inspect.h - `--check` and `--repair`: looks at the journal of a daemon that
// does not run, and saves what can be saved of a damaged one. Which records fit is the daemon's to
// say.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/journal.h"
#include "common/result.h"

namespace dm {

// Whose journal it is.
struct JournalKeeper {
  std::string program;                // "dm-master"
  std::string kind;                   // in the journal's first line
  std::function<TakeRecord()> begin;  // to take records from the first one on
  std::vector<Line> mended;           // what it is to read behind the records that were saved
  // Why the daemon does not begin anew in a directory where nothing is recorded; nullopt if it
  // does.
  std::function<std::optional<Error>(const std::string& directory)> lost_memory;
};

// "no journal", "nothing is recorded in its journal": what `directory` has that should tell of the
// rest. REQUIRES that nothing is recorded there.
std::string missing_journal(const std::string& directory);

// Both work as the owner of the directory if they are root: what lies there may be a trap, and what
// is written must be readable for the daemon.

// Says on standard output what the journal in `directory` is. 0 if the daemon would start with it
// (a write that was cut at its end is normal), 1 if not, 111, and the reason on standard error
// alone, if it cannot be read.
int check_journal(const JournalKeeper& keeper, const std::string& directory);

// Keeps a copy as journal.damaged-TIME and writes a journal of every record that is whole and
// fits those before it. 0 done (also if nothing was wrong), 1 if nothing can be saved, 111 for
// errors. Refused while the daemon runs there.
int repair_journal(const JournalKeeper& keeper, const std::string& directory);

}  // namespace dm
