// worker/io/outbox.h - what goes to the master, in its order, while the ends of logs are read that
// belong to some of it. Decides nothing.
//
// A line with a tail is sent when its log has been read, in a helper thread; what comes behind it
// waits, but for beats: no disk may hold them up.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "common/codec.h"
#include "common/io/jobs.h"
#include "worker/io/app_store.h"
#include "worker/io/session.h"

namespace dm::worker {

class Outbox {
 public:
  // All of it lives until the process ends.
  Outbox(Loop& loop, const AppStore& store, Session& session)
      : store_(store), session_(session), jobs_(loop, 1) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void send(Line line);
  // EXITED: the last bytes of that run's log go with it.
  void send_with_tail(Line line);
  // Hangs up when everything before has been sent.
  void finish(const std::string& why);
  // The session has ended: what waits was for it.
  void clear();

 private:
  struct Entry {
    std::optional<Line> line;  // none: the end of the session
    std::string why;
    bool lacks_tail = false;
  };
  void push(Entry entry);
  void read_tails();
  void flush();

  const AppStore& store_;
  Session& session_;
  Jobs jobs_;
  std::deque<Entry> waiting_;
  std::uint64_t session_number_ = 0;  // tells what was read for a session that is gone
  bool is_reading_ = false;
};

}  // namespace dm::worker
