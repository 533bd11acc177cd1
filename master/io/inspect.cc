#include "master/io/inspect.h"

#include <stdio.h>

#include <algorithm>
#include <memory>

#include "common/io/blob_store.h"
#include "common/io/journal_inspect.h"
#include "master/io/history_files.h"
#include "master/state/state.h"

namespace dm::master {
namespace {

JournalKeeper keeper() {
  return {"dm-master",
          "master",
          []() -> TakeRecord {
            auto state = std::make_shared<State>();
            return [state](const Line& record, std::int64_t) { return state->apply(record); };
          },
          {},
          lost_memory};
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

}  // namespace

std::optional<Error> lost_memory(const std::string& directory) {
  if (BlobStore(directory + "/blobs").list().empty()) return std::nullopt;
  return fail(Code::kInternal, directory + " holds files of a master, but " +
                                   missing_journal(directory) +
                                   "; put it back, or remove the directory to begin anew");
}

int check_state(const std::string& directory) {
  const int status = check_journal(keeper(), directory);
  if (status > 1) return status;
  return std::max(status, check_history(directory) > 0 ? 1 : 0);
}

int repair_state(const std::string& directory) {
  return repair_journal(keeper(), directory);
}

}  // namespace dm::master
