#include "master/io/inspect.h"

#include <memory>

#include "common/io/journal_inspect.h"
#include "master/core/state.h"

namespace dm::master {
namespace {

JournalKeeper keeper() {
  return {"dm-master", "master", []() -> TakeRecord {
            auto state = std::make_shared<State>();
            return [state](const Line& record, std::int64_t) { return state->apply(record); };
          }};
}

}  // namespace

int check_state(const std::string& directory) {
  return check_journal(keeper(), directory);
}

int repair_state(const std::string& directory) {
  return repair_journal(keeper(), directory);
}

}  // namespace dm::master
