// tests/sim/network.h - connections in virtual time: bytes arrive late but in order, in pieces that
// end anywhere, until somebody cuts them; then each direction loses what it likes of what is under
// way. Lines are printed by the real codec, and gathered and read by the real one.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/codec.h"
#include "common/line_buffer.h"
#include "tests/sim/timeline.h"

namespace dm::sim {

enum class Side { kClient = 0, kServer = 1 };
inline Side other(Side side) {
  return side == Side::kClient ? Side::kServer : Side::kClient;
}

class Network {
 public:
  using Id = std::uint64_t;
  struct Handlers {
    std::function<void(const Line&)> on_line;
    std::function<void()> on_closed;
  };

  // `delay`: what a line typically takes.
  Network(Timeline& timeline, std::int64_t delay) : timeline_(timeline), delay_(delay) {}

  // `place`: the client's machine, whose way to the server can be blocked.
  Id open(int place, Handlers client, Handlers server);
  void send(Id id, Side from, const Line& line);
  // That side hears nothing more; the other learns of it behind what was sent.
  void close(Id id, Side side);
  // The same, but that side's process was killed: what it had not yet handed to its kernel is lost.
  void abandon(Id id, Side side);
  // That side's machine is gone without a word, and with it a tail of what it had sent; the other
  // learns of it late.
  void vanish(Id id, Side side);
  // Each direction loses a tail of what is under way; both sides learn of it, each in its time.
  void cut(Id id);
  void cut_all(int place);

  // What goes in that direction waits until it is unblocked.
  void block(int place, Side from);
  void unblock(int place, Side from);
  bool is_blocked(int place) const;
  // Every connection that both sides hold open.
  std::vector<Id> open_ones() const;

 private:
  using Piece = std::optional<std::string>;  // nullopt: the end
  struct Direction {
    std::deque<Piece> under_way;
    LineBuffer arrived{kMaxLine};
    std::int64_t last_arrival = 0;
    std::int64_t held = 0;  // arrivals that a block holds back
    bool lost = false;      // nothing more gets in
  };
  struct Connection {
    int place = 0;
    Handlers handlers[2];
    bool is_open[2] = {true, true};
    Direction from[2];
  };
  void push(Connection& connection, Id id, Side from, Piece piece);
  void lose_tail(Direction& direction);
  void arrive(Id id, Side from);
  void hand_out(Id id, Side from);
  void told(Id id, Side side);
  void notice_late(Id id, Side side);

  Timeline& timeline_;
  std::int64_t delay_;
  std::map<Id, Connection> connections_;
  std::set<std::pair<int, Side>> blocked_;
  Id next_ = 1;
};

}  // namespace dm::sim
