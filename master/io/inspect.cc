#include "master/io/inspect.h"

#include <stdio.h>

#include <algorithm>
#include <memory>

#include "common/io/blob_store.h"
#include "common/io/journal_file.h"
#include "common/io/journal_inspect.h"
#include "master/core/state.h"
#include "master/io/history_files.h"

namespace dm::master {
namespace {

JournalKeeper keeper() {
  return {"dm-master", "master", []() -> TakeRecord {
            auto state = std::make_shared<State>();
            return [state](const Line& record, std::int64_t) { return state->apply(record); };
          }};
}

// The number of segments that are damaged.
std::size_t check_history(const std::string& directory) {
  const HistoryFiles::Checked checked = HistoryFiles(directory, 0).check();
  for (const HistoryFiles::Flaw& flaw : checked.flaws)
    ::printf("%s: damaged: %s at byte %lld; a master starts all the same, and shows the rest\n",
             flaw.path.c_str(), flaw.why.c_str(), static_cast<long long>(flaw.offset));
  ::printf("%s/history: %zu segments, %zu of them damaged, %lld records\n", directory.c_str(),
           checked.segments, checked.flaws.size(), static_cast<long long>(checked.records));
  return checked.flaws.size();
}

// Files of which the journal, with nothing recorded in it, cannot tell?
bool has_lost_its_memory(const std::string& directory) {
  const auto journal = JournalFile::look(directory, "master");
  if (!journal || *journal != JournalFile::Beginning::kBlank) return false;
  if (BlobStore(directory + "/blobs").list().empty()) return false;
  ::printf("%s: holds files of a master, and nothing is recorded of them: no master starts there\n",
           directory.c_str());
  return true;
}

}  // namespace

int check_state(const std::string& directory) {
  const int status = check_journal(keeper(), directory);
  const bool is_lost = has_lost_its_memory(directory);
  return std::max(status, check_history(directory) > 0 || is_lost ? 1 : 0);
}

int repair_state(const std::string& directory) {
  return repair_journal(keeper(), directory);
}

}  // namespace dm::master
