// master/io/inspect.h - `--check` and `--repair` of what a master that does not run has kept.
#pragma once

#include <string>

namespace dm::master {

// As check_journal (common/io/journal_inspect.h), and says likewise what the history is: 1 also if
// any of it is damaged, although a master starts with that.
int check_state(const std::string& directory);

// As repair_journal. The history is left as it is.
int repair_state(const std::string& directory);

}  // namespace dm::master
