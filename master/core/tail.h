// master/core/tail.h - the end of a run's log, kept by the master so that it can be read when the
// worker is gone: its file's format, which ones are kept, when which is asked for. Pure.
//
// The file is one line and then the bytes: TAIL instance= run= worker= at= bytes=
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dm::master {

struct Tail {
  static constexpr std::size_t kMostBytes = 64 * 1024;
  std::string instance, worker;
  std::int64_t run = 0;
  std::int64_t at_ms = 0;  // wall clock: when it was asked for
  std::string text;        // the last bytes of the log, as they are
};
std::string print_tail(const Tail& tail);
// nullopt for anything else, a file that was cut among it.
std::optional<Tail> parse_tail(std::string_view file);

// The last lines of a text; a last one without its newline counts.
std::string_view last_lines(std::string_view text, std::int64_t lines);

// Which tails are kept: the last of each instance, so many bytes of them together.
class TailShelf {
 public:
  explicit TailShelf(std::int64_t most_bytes) : most_bytes_(most_bytes) {}
  // The instances whose tails have to go for it, oldest first.
  std::vector<std::string> add(const std::string& instance, std::int64_t bytes);
  bool has(const std::string& instance) const { return tails_.contains(instance); }
  void remove(const std::string& instance);
  std::vector<std::string> names() const;

 private:
  struct Kept {
    std::int64_t number = 0, bytes = 0;
  };
  std::int64_t most_bytes_, bytes_ = 0, next_ = 1;
  std::map<std::string, Kept> tails_;
  std::map<std::int64_t, std::string> by_age_;
};

// When the tail of which instance is asked for: a moment after its end, seldom in a row, and few
// at a time, so that thousands of ends a second do not become thousands of streams.
class TailQueue {
 public:
  static constexpr std::int64_t kDelayMs = 200, kAgainMs = 5000;
  static constexpr std::size_t kMostAtOnce = 8;  // of a worker: one

  // A run of it has ended. Of one that waits already only the latest end counts.
  void want(const std::string& instance, const std::string& worker, std::int64_t now_ms);
  // Whose turn it is: its worker is busy with it until done().
  std::optional<std::string> next(std::int64_t now_ms);
  void done(const std::string& worker) { busy_.erase(worker); }
  void forget(const std::string& instance);
  std::vector<std::string> names() const;  // that it remembers
  std::int64_t deadline() const;           // of next(); INT64_MAX: none

 private:
  struct Known {
    std::string worker;
    std::int64_t due_ms = 0, asked_ms = INT64_MIN / 2;
    bool waits = false;
  };
  std::map<std::string, Known> known_;
  std::map<std::string, std::set<std::pair<std::int64_t, std::string>>> due_;  // by worker
  std::set<std::string> busy_;                                                 // workers
};

}  // namespace dm::master
