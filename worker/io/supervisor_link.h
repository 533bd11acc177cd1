// worker/io/supervisor_link.h - the agent's end of the supervisor's socket: lines both ways, a log
// descriptor with each SPAWN (unix(7), SCM_RIGHTS), and coming back after a cut. Decides nothing.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "common/codec.h"
#include "common/io/jobs.h"
#include "common/line_buffer.h"
#include "worker/io/supervisor_start.h"

namespace dm::worker {

class SupervisorLink {
 public:
  struct Handlers {
    std::function<void()> on_up;  // connected; its greeting follows as lines
    std::function<void(const Line&)> on_line;
    std::function<void()> on_down;  // the link dials again by itself
    // It cannot be had again; called instead of a further try if `may_start` is false.
    std::function<void(const Error&)> on_lost;
  };

  SupervisorLink(Loop& loop, Jobs& jobs, SupervisorStart how, Handlers handlers);
  ~SupervisorLink();
  SupervisorLink(const SupervisorLink&) = delete;
  SupervisorLink& operator=(const SupervisorLink&) = delete;

  // Takes a connection of connect_supervisor() into use.
  void attach(Fd fd);

  // Does not come back after the next cut: the supervisor ends for good.
  void retire() { retired_ = true; }

  // Queues a line; false if there is no connection, or if it does not take what is sent to it:
  // then it is dropped, and what was lost is asked for again after the next greeting.
  bool send(const std::string& text, Fd descriptor = Fd());

 private:
  struct Chunk {
    std::string bytes;
    Fd descriptor;  // rides with the first byte
  };

  void on_ready(Ready ready);
  void read_some();
  void flush();
  bool send_first();
  void drop();
  void dial();
  void failed(const Error& error);
  void again();

  Loop& loop_;
  Jobs& jobs_;
  SupervisorStart how_;
  Handlers handlers_;
  bool retired_ = false;
  Fd fd_;
  LineBuffer in_;
  std::deque<Chunk> out_;
  std::size_t sent_ = 0;    // of the first chunk
  std::size_t queued_ = 0;  // bytes of all chunks
  static constexpr std::int64_t kFirstPauseMs = 50;
  std::int64_t pause_ms_ = kFirstPauseMs;  // before the next try
};

}  // namespace dm::worker
