#include "worker/io/bulk.h"

namespace dm::worker {

Result<LinePeer> dial_bulk(const BulkTarget& target, const std::atomic<bool>& cancel) {
  auto peer = LinePeer::connect(target.master, cancel);
  if (!peer) return peer;
  Line hello("HELLO");
  hello.add("proto", 1).add("name", target.name).add("as", "bulk").add("id", target.id);
  if (auto greeted = peer->greet(hello, target.key ? &*target.key : nullptr); !greeted)
    return greeted.error();
  return peer;
}

}  // namespace dm::worker
