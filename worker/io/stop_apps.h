// worker/io/stop_apps.h - `dm-worker --stop-apps`: has the supervisor of a root directory stop
// every app. Decides nothing.
#pragma once

#include <string>

#include "common/result.h"

namespace dm::worker {

// Result: true when every app has ended, false if no supervisor runs there. Blocks for as long as
// the apps take, 10 s and the time to kill them at most. Errors: denied, timeout, system_error's.
Result<bool> stop_apps(const std::string& root);

}  // namespace dm::worker
