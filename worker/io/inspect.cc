#include "worker/io/inspect.h"

#include <filesystem>
#include <memory>

#include "common/io/journal_inspect.h"
#include "worker/core/agent.h"

namespace dm::worker {
namespace {

JournalKeeper keeper() {
  return {"dm-worker",
          "worker",
          []() -> TakeRecord {
            auto agent = std::make_shared<Agent>(HostFacts(), 0);
            return [agent](const Line& record, std::int64_t) { return agent->replay(record); };
          },
          {Line("MENDED")},
          lost_memory};
}

}  // namespace

std::optional<Error> lost_memory(const std::string& root) {
  const std::filesystem::path apps = root + "/apps";
  std::error_code error;
  if (std::filesystem::is_empty(apps, error) || error) return std::nullopt;
  return fail(Code::kInternal, root + " holds apps, but " + missing_journal(root) +
                                   " that tells of them; put it back, or end them by 'dm-worker "
                                   "--root " +
                                   root + " --stop-apps' and remove " + apps.string() +
                                   " to begin anew");
}

int check_root(const std::string& directory) {
  return check_journal(keeper(), directory);
}

int repair_root(const std::string& directory) {
  return repair_journal(keeper(), directory);
}

}  // namespace dm::worker
