// worker/io/inspect.h - `--check` and `--repair` of the journal of a worker that does not run.
#pragma once

#include <string>

namespace dm {

// As check_journal and repair_journal (common/io/journal_inspect.h).
int check_root(const std::string& directory);
int repair_root(const std::string& directory);

}  // namespace dm
