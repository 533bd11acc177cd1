#include "master/core/log_streams.h"

#include <utility>

namespace dm::master {

void LogStreams::send(Order order, std::optional<Weave> weave, std::optional<Tail> tail, Now now) {
  const RequestId request = order.request;
  const std::string worker = order.worker;
  const std::size_t before = out_.size();
  const std::string id = orders_.send(std::move(order), now);
  // Before the order itself, so that no stream can come unexpected.
  out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(before),
              ExpectStream{request, id, worker, std::move(weave), std::move(tail)});
}

}  // namespace dm::master
