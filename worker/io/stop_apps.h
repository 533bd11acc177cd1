// worker/io/stop_apps.h - `dm-worker --stop-apps`: has the supervisor of a root directory stop
// every app. Decides nothing.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace dm::worker {

struct StoppedApps {
  bool has_run = false;  // false: no supervisor runs there
  std::vector<std::string>
      orphans;  // "PID:COMM" of what was inherited from no known run, and lives
};

// Returns when every app has ended. Blocks for as long as they take, 10 s and the time to kill them
// at most. Errors: denied, also for an app that the supervisor may not signal; timeout;
// system_error's.
Result<StoppedApps> stop_apps(const std::string& root);

}  // namespace dm::worker
