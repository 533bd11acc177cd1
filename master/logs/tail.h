// master/logs/tail.h - the end of a run's log, kept by the master so that it can be read when the
// worker is gone: its file's format, which ones are kept, when which is asked for. Pure.
//
// The file is one line and then the bytes: TAIL instance= run= worker= at= bytes= [part=1]
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
  bool part = false;       // only what came with the report of the end; more is asked for
};
std::string print_tail(const Tail& tail);
// nullopt for anything else, a file that was cut among it.
std::optional<Tail> parse_tail(std::string_view file);

// The last lines of a text; a last one without its newline counts.
std::string_view last_lines(std::string_view text, std::int64_t lines);

// Which tails are kept: the last of each instance, so many bytes of them together. Of what does not
// fit, the run that ended first goes.
class TailShelf {
 public:
  explicit TailShelf(std::int64_t most_bytes) : most_bytes_(most_bytes) {}
  // The tail of that run is here. The instances whose tails have to go for it, oldest first; it may
  // be among them.
  std::vector<std::string> add(const std::string& instance, std::int64_t run, std::int64_t ended_ms,
                               std::int64_t bytes);
  // There is none to be had of that run.
  void is_unavailable(const std::string& instance, std::int64_t run);
  // Is that run's tail to be asked for? Not what is here, cannot be had, or would go at once.
  bool lacks(const std::string& instance, std::int64_t run, std::int64_t ended_ms) const;
  bool has(const std::string& instance) const { return tails_.contains(instance); }
  void remove(const std::string& instance);
  std::vector<std::string> names() const;  // of which anything is known

 private:
  using Age = std::pair<std::int64_t, std::int64_t>;  // end of the run, and a number
  struct Kept {
    std::int64_t run = 0, bytes = 0;
    Age age;
  };
  void drop(const std::string& instance);
  std::int64_t most_bytes_, bytes_ = 0, next_ = 1;
  std::map<std::string, Kept> tails_;
  std::map<Age, std::string> by_age_;
  std::map<std::string, std::int64_t> unavailable_;  // instance: run
};

// When the tail of which instance is asked for: at its end, seldom in a row, and few at a time, so
// that thousands of ends a second do not become thousands of streams; after a failure again.
class TailQueue {
 public:
  static constexpr std::int64_t kAgainMs = 5000;         // between two of an instance, at least
  static constexpr std::int64_t kMostAgainMs = 300'000;  // after failures, each twice as long
  static constexpr int kMostTries = 10;
  static constexpr std::size_t kMostAtOnce = 8;  // of a worker: one

  // A run of it has ended, or its worker is back. Of one that waits already only the latest end
  // counts.
  void want(const std::string& instance, const std::string& worker, std::int64_t now_ms);
  // Whose turn it is: its worker is busy with it until done() or failed().
  std::optional<std::string> next(std::int64_t now_ms);
  void done(const std::string& worker) { busy_.erase(worker); }
  // It did not come: it is asked for again, later and later. False: no more, until want().
  bool failed(const std::string& worker, std::int64_t now_ms);
  void forget(const std::string& instance);
  std::vector<std::string> names() const;  // that it remembers
  std::int64_t deadline() const;           // of next(); INT64_MAX: none

 private:
  struct Known {
    std::string worker;
    std::int64_t due_ms = 0, asked_ms = INT64_MIN / 2;
    bool waits = false;
    int tries = 0;  // that failed, since want()
  };
  void wait(const std::string& instance, Known& known, std::int64_t due_ms);
  void leave(const std::string& instance, Known& known);
  std::map<std::string, Known> known_;
  std::map<std::string, std::set<std::pair<std::int64_t, std::string>>> due_;  // by worker
  std::map<std::string, std::string> busy_;                                    // worker: instance
};

}  // namespace dm::master
