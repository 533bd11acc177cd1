// worker/io/inspect.h - `--check` and `--repair` of the journal of a worker that does not run.
#pragma once

#include <optional>
#include <string>

#include "common/result.h"

namespace dm::worker {

// Why no agent begins anew in a root in which nothing is recorded: what lives there would be
// launched once more. nullopt if it has no apps.
std::optional<Error> lost_memory(const std::string& root);

// As check_journal and repair_journal (common/io/journal_inspect.h).
int check_root(const std::string& directory);
int repair_root(const std::string& directory);

}  // namespace dm::worker
