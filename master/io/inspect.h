// master/io/inspect.h - `--check` and `--repair` of what a master that does not run has kept.
#pragma once

#include <string>

namespace dm::master {

// As check_journal and repair_journal (common/io/journal_inspect.h).
int check_state(const std::string& directory);
int repair_state(const std::string& directory);

}  // namespace dm::master
