#include "worker/io/inspect.h"

#include <memory>

#include "common/io/journal_inspect.h"
#include "worker/core/agent.h"

namespace dm {
namespace {

JournalKeeper keeper() {
  return {"dm-worker", "worker", []() -> TakeRecord {
            auto agent = std::make_shared<Agent>(HostFacts(), 0);
            return [agent](const Line& record, std::int64_t) { return agent->replay(record); };
          }};
}

}  // namespace

int check_root(const std::string& directory) {
  return check_journal(keeper(), directory);
}

int repair_root(const std::string& directory) {
  return repair_journal(keeper(), directory);
}

}  // namespace dm
