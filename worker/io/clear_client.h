// worker/io/clear_client.h - has the supervisor empty a directory as the user that its app ran as,
// and waits for that. Decides nothing.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "common/codec.h"
#include "common/io/fd.h"
#include "common/io/loop.h"
#include "worker/io/supervisor_link.h"

namespace dm::worker {

class ClearClient {
 public:
  // All of it lives until the process ends.
  ClearClient(Loop& loop, SupervisorLink& link) : loop_(loop), link_(link) {}
  ClearClient(const ClearClient&) = delete;
  ClearClient& operator=(const ClearClient&) = delete;

  // Removes what is in the directory. Blocks: in any thread but the loop's. Errors: the
  // supervisor's; lost if it is gone; timeout after ten minutes.
  Status clear(Fd directory, const std::string& user);

  // In the loop's thread: an answer of the supervisor, false if it is none to clear(); and its end.
  bool on_line(const Line& line);
  void on_down();

 private:
  void send(const std::string& id, const std::string& user, Fd directory);
  void finish(const std::string& id, Status outcome);

  Loop& loop_;
  SupervisorLink& link_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::int64_t next_ = 1;
  std::map<std::string, std::optional<Status>> waiting_;  // by id
};

}  // namespace dm::worker
