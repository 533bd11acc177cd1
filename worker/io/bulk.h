// worker/io/bulk.h - connections to the master for files and logs, apart from the session. For
// helper threads only; decides nothing.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "common/io/line_peer.h"
#include "common/io/net.h"

namespace dm::worker {

// Whom to dial, and as whom.
struct BulkTarget {
  Endpoint master;
  std::string name;  // the worker's
  std::string id;    // of its root directory
  std::optional<AccessKey> key;
  std::string identity;  // 32 secret bytes of its root directory, for its session
};

// A connection that has greeted. `cancel` outlives it. Errors: LinePeer's.
Result<LinePeer> dial_bulk(const BulkTarget& target, const std::atomic<bool>& cancel);

}  // namespace dm::worker
