// tests/unit/supervisor_fixture.h - a real supervisor on a directory of its own, and an agent's
// side of its socket. Whatever a test does, nothing outlives the fixture.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/codec.h"
#include "common/io/fd.h"
#include "common/line_buffer.h"
#include "worker/supervisor/supervisor.h"

namespace dm::test {

using supervisor::SupervisorOptions;

inline constexpr int kPatienceMs = 20'000;  // only a broken supervisor takes that long

// A copy of a field; the line may be a temporary.
inline std::string field(const Line& line, std::string_view key) {
  return std::string(line.text(key));
}

// One connection. Every wait has a deadline; after it the answer is an empty Line.
class AgentSide {
 public:
  explicit AgentSide(const std::string& root);

  // Sends lines as they are; the descriptors ride with the first byte.
  void send(const std::string& text, const std::vector<int>& descriptors = {});
  // The next line that satisfies; others that come meanwhile are kept for later calls.
  Line wait_for(const std::function<bool(const Line&)>& wanted);
  Line wait_for(const std::string& verb);
  // The OK or ERR of a request.
  Line answer(const std::string& id);
  Line exited(const std::string& instance);
  // True once the supervisor has closed the connection.
  bool wait_for_end();
  // Lines that have come and nobody has waited for.
  const std::deque<Line>& others() const { return lines_; }
  int fd() const { return fd_.get(); }

 private:
  bool read_more(std::int64_t deadline_ms);

  Fd fd_;
  LineBuffer in_{kMaxLine};
  std::deque<Line> lines_;
  bool ended_ = false;
};

class SupervisorFixture {
 public:
  // `before` is called in the newborn supervisor, before it begins.
  explicit SupervisorFixture(bool use_cgroups = true, std::vector<std::string> app_users = {},
                             const std::function<void()>& before = {});
  ~SupervisorFixture();
  SupervisorFixture(const SupervisorFixture&) = delete;
  SupervisorFixture& operator=(const SupervisorFixture&) = delete;

  const std::string& root() const { return root_; }
  int pid() const { return pid_; }
  // What came through ready_fd.
  const std::string& ready() const { return ready_; }
  // Closes the tether: the supervisor kills everything and ends.
  void cut_tether() { tether_.reset(); }
  // kill -9, and another supervisor on the same directory.
  void replace();
  // The exit status, or nullopt if it has not ended by the deadline.
  std::optional<int> wait_for_end();

 private:
  void begin();

  std::string root_;
  SupervisorOptions options_;
  std::function<void()> before_;
  std::string ready_;
  Fd tether_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

// An app's log, which tells what was written and, by its end, that no process of it is left.
struct LogFile {
  LogFile();
  // Reads until `text` has come, or for an empty text until the end: nobody has it open for
  // writing any more, and we not either (write_end.reset()). False at the deadline.
  bool read_until(const std::string& text);
  Fd write_end;
  std::string got;

 private:
  void read_more();
  Fd read_end_;
};

// A SPAWN line with cwd / and a PATH.
std::string spawn_line(const std::string& instance, int run, const std::vector<std::string>& argv,
                       const std::string& more = "");
// Spawns with that log, closes our writing end of it, and returns the answer.
Line spawn(AgentSide& agent, LogFile& log, const std::string& instance,
           const std::vector<std::string>& argv, const std::string& more = "", int run = 1);

}  // namespace dm::test
