#include "tests/sim/network.h"

#include <algorithm>

namespace dm::sim {
namespace {

constexpr std::int64_t kMostUnnoticed = 5 * kSecond;  // TCP_USER_TIMEOUT of the master

}  // namespace

Network::Id Network::open(int place, Handlers client, Handlers server) {
  const Id id = next_++;
  Connection& connection = connections_[id];
  connection.place = place;
  connection.handlers[0] = std::move(client);
  connection.handlers[1] = std::move(server);
  return id;
}

void Network::send(Id id, Side from, const Line& line) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || !found->second.is_open[static_cast<int>(from)]) return;
  push(found->second, id, from, line);
}

void Network::push(Connection& connection, Id id, Side from, std::optional<Line> line) {
  Direction& direction = connection.from[static_cast<int>(from)];
  if (direction.lost) return;
  direction.under_way.push_back(std::move(line));
  direction.last_arrival =
      std::max(direction.last_arrival, timeline_.now() + timeline_.delay(delay_));
  timeline_.after(direction.last_arrival - timeline_.now(), [this, id, from] { arrive(id, from); });
}

void Network::arrive(Id id, Side from) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  Direction& direction = connection.from[static_cast<int>(from)];
  if (blocked_.contains({connection.place, from})) {
    ++direction.held;
    return;
  }
  if (direction.under_way.empty()) return;
  const std::optional<Line> line = std::move(direction.under_way.front());
  direction.under_way.pop_front();
  const int to = static_cast<int>(other(from));
  if (!connection.is_open[to]) return;
  if (!line) return told(id, other(from));
  // By value: the handler may end the connection.
  const auto on_line = connection.handlers[to].on_line;
  on_line(*line);
}

void Network::told(Id id, Side side) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || !found->second.is_open[static_cast<int>(side)]) return;
  Connection& connection = found->second;
  connection.is_open[static_cast<int>(side)] = false;
  connection.from[static_cast<int>(side)].lost = true;
  const auto on_closed = connection.handlers[static_cast<int>(side)].on_closed;
  if (!connection.is_open[0] && !connection.is_open[1]) connections_.erase(found);
  on_closed();
}

void Network::close(Id id, Side side) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || !found->second.is_open[static_cast<int>(side)]) return;
  found->second.is_open[static_cast<int>(side)] = false;
  if (!found->second.is_open[static_cast<int>(other(side))]) {
    connections_.erase(found);
    return;
  }
  push(found->second, id, side, std::nullopt);
}

void Network::vanish(Id id, Side side) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second.is_open[static_cast<int>(side)] = false;
  found->second.from[static_cast<int>(side)].lost = true;
  notice_late(id, other(side));
}

void Network::notice_late(Id id, Side side) {
  timeline_.after(timeline_.below(kMostUnnoticed), [this, id, side] { told(id, side); });
}

void Network::cut(Id id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  for (Direction& direction : found->second.from) {
    const auto size = static_cast<std::int64_t>(direction.under_way.size());
    direction.under_way.resize(static_cast<std::size_t>(timeline_.between(0, size)));
    direction.lost = true;
  }
  notice_late(id, Side::kClient);
  notice_late(id, Side::kServer);
}

void Network::cut_all(int place) {
  std::vector<Id> ids;
  for (const auto& [id, connection] : connections_)
    if (connection.place == place) ids.push_back(id);
  for (Id id : ids) cut(id);
}

void Network::block(int place, Side from) {
  blocked_.insert({place, from});
}

void Network::unblock(int place, Side from) {
  blocked_.erase({place, from});
  for (auto& [id, connection] : connections_) {
    if (connection.place != place) continue;
    Direction& direction = connection.from[static_cast<int>(from)];
    for (; direction.held > 0; --direction.held)
      timeline_.after(0, [this, id = id, from] { arrive(id, from); });
  }
}

bool Network::is_blocked(int place) const {
  return blocked_.contains({place, Side::kClient}) || blocked_.contains({place, Side::kServer});
}

std::vector<Network::Id> Network::open_ones() const {
  std::vector<Id> ids;
  for (const auto& [id, connection] : connections_)
    if (connection.is_open[0] && connection.is_open[1]) ids.push_back(id);
  return ids;
}

}  // namespace dm::sim
