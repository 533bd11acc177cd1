// master/io/inspect.h - `--check` and `--repair` of what a master that does not run has kept.
#pragma once

#include <optional>
#include <string>

#include "common/result.h"

namespace dm::master {

// Why no master begins anew in a directory in which nothing is recorded: it would remove every blob
// as unreferenced. nullopt if there is none.
std::optional<Error> lost_memory(const std::string& directory);

// As check_journal (common/io/journal_inspect.h), and says likewise what the history is: 1 also if
// any of it is damaged, although a master starts with that. Nothing of that after an error.
int check_state(const std::string& directory);

// As repair_journal. The history is left as it is.
int repair_state(const std::string& directory);

}  // namespace dm::master
