#include "tests/sim/network.h"

#include <algorithm>

namespace dm::sim {
namespace {

constexpr std::int64_t kMostUnnoticed = 5 * kSecond;  // TCP_USER_TIMEOUT of the master
constexpr double kTogether = 0.1, kInTwo = 0.1;  // of the lines: with the one before, in two pieces
constexpr double kUnsent = 0.5;                  // of the killed processes leave bytes unsent

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
  Direction& direction = found->second.from[static_cast<int>(from)];
  if (direction.lost) return;
  std::string text = line.print();
  const auto size = static_cast<std::int64_t>(text.size());
  const auto at =
      static_cast<std::size_t>(timeline_.chance(kInTwo) ? timeline_.between(1, size - 1) : size);
  std::string rest = text.substr(at);
  text.resize(at);
  std::deque<Piece>& under_way = direction.under_way;
  if (!under_way.empty() && under_way.back() && timeline_.chance(kTogether))
    *under_way.back() += text;
  else
    push(found->second, id, from, std::move(text));
  if (!rest.empty()) push(found->second, id, from, std::move(rest));
}

void Network::push(Connection& connection, Id id, Side from, Piece piece) {
  Direction& direction = connection.from[static_cast<int>(from)];
  if (direction.lost) return;
  direction.under_way.push_back(std::move(piece));
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
  const Piece piece = std::move(direction.under_way.front());
  direction.under_way.pop_front();
  if (!connection.is_open[static_cast<int>(other(from))]) return;
  if (!piece) return told(id, other(from));
  direction.arrived.feed(*piece);
  hand_out(id, from);
}

// Whole lines only. Looked up again for each: a handler may end the connection.
void Network::hand_out(Id id, Side from) {
  const int to = static_cast<int>(other(from));
  while (true) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || !found->second.is_open[to]) return;
    LineBuffer& arrived = found->second.from[static_cast<int>(from)].arrived;
    const auto text = arrived.next();
    SIM_CHECK(timeline_, !arrived.too_long(), "a line is too long");
    if (!text) return;
    const auto line = parse_line(*text);
    if (!line) return timeline_.broken("a line that nobody sent arrives: " + *text);
    const auto on_line = found->second.handlers[to].on_line;
    on_line(*line);
  }
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

void Network::abandon(Id id, Side side) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || !found->second.is_open[static_cast<int>(side)]) return;
  if (timeline_.chance(kUnsent)) lose_tail(found->second.from[static_cast<int>(side)]);
  close(id, side);
}

void Network::vanish(Id id, Side side) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  lose_tail(found->second.from[static_cast<int>(side)]);
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
    lose_tail(direction);
    direction.lost = true;
  }
  notice_late(id, Side::kClient);
  notice_late(id, Side::kServer);
}

// Cut at any byte: the other side may be left with a part of a line.
void Network::lose_tail(Direction& direction) {
  std::int64_t size = 0;
  for (const Piece& piece : direction.under_way)
    size += piece ? static_cast<std::int64_t>(piece->size()) : 1;
  std::int64_t left = timeline_.between(0, size);
  std::size_t kept = 0;
  while (left > 0) {
    Piece& piece = direction.under_way[kept++];
    const std::int64_t length = piece ? static_cast<std::int64_t>(piece->size()) : 1;
    if (left < length) piece->resize(static_cast<std::size_t>(left));
    left -= length;
  }
  direction.under_way.resize(kept);
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
