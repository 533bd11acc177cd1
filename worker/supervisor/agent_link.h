// worker/supervisor/agent_link.h - one connection to the supervisor: lines both ways, and
// descriptors that ride in with them (unix(7), SCM_RIGHTS). Bounded; decides nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "common/io/fd.h"
#include "common/io/loop.h"
#include "common/line_buffer.h"

namespace dm::supervisor {

class AgentLink {
 public:
  struct Handlers {
    std::function<void(std::string_view line)> on_line;  // without its newline
    std::function<void()> on_too_long;  // the last to be heard before it is dropped
    // Called once, from the loop, when the peer is gone or was dropped. The owner then destroys
    // the link.
    std::function<void()> on_closed;
  };

  AgentLink(Loop& loop, Fd fd, Handlers handlers);
  ~AgentLink();
  AgentLink(const AgentLink&) = delete;
  AgentLink& operator=(const AgentLink&) = delete;

  // Queues a text; it goes out before the next wait, together with what else is queued. A peer
  // that leaves too much unread is dropped.
  void send(std::string_view text);
  // Writes what the socket takes now.
  void flush();
  // The oldest descriptor that no line has taken; invalid if there is none, or if several came at
  // once: nobody can tell which was meant, and all are closed. What nobody has taken when the last
  // received line has been handled is closed.
  Fd take_descriptor();
  // Sends what it can and closes.
  void close();
  bool is_open() const { return fd_.valid(); }
  // True if nothing of it is half received or half sent.
  bool is_idle() const {
    return is_open() && in_.waiting() == 0 && descriptors_.empty() && is_sent();
  }
  bool is_sent() const { return sent_ == out_.size(); }
  int fd() const { return fd_.get(); }

 private:
  void on_ready(Ready ready);
  enum class Received { kSome, kNothing, kEnd };
  Received receive();
  void hand_out();

  Loop& loop_;
  Fd fd_;
  Handlers handlers_;
  LineBuffer in_;
  std::deque<Fd> descriptors_;
  std::string out_;
  std::size_t sent_ = 0;
};

}  // namespace dm::supervisor
