// worker/supervisor/clearer.h - empties the directories of instances as the user that their app ran
// as: what it made there is that user's, and nobody else but root may remove it. Each in a child
// process without our privileges. Opens no path: the directory comes open.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/codec.h"
#include "common/io/fd.h"
#include "common/io/loop.h"
#include "worker/supervision/run_table.h"
#include "worker/supervisor/users.h"

namespace dm::supervisor {

class Clearer {
 public:
  using Answer = std::function<void(const Asker&, const Line&)>;

  Clearer(Loop& loop, std::vector<AppUser> users, Answer answer)
      : loop_(loop), users_(std::move(users)), answer_(std::move(answer)) {}
  Clearer(const Clearer&) = delete;
  Clearer& operator=(const Clearer&) = delete;

  // CLEAR: removes all that is in the directory, as user=. Answered when that is done, or with what
  // stood in the way.
  void clear(const Asker& asker, const Line& line, Fd directory);

  // True if none is under way.
  bool is_idle() const { return running_.empty(); }

 private:
  struct Running {
    Asker asker;
    Fd report;
    std::string words;
  };
  void refuse(const Asker& asker, const Error& error);
  void on_report(std::int64_t number);

  Loop& loop_;
  const std::vector<AppUser> users_;
  const Answer answer_;
  std::map<std::int64_t, Running> running_;
  std::int64_t next_number_ = 1;
};

}  // namespace dm::supervisor
