// master/logs/log_merge.h - weaves the logs of several instances into one text, in order of time.
// Pure: bytes come from wherever, the time comes with the call.
//
// Each stream is a log as LOG stamp=1 sends it: every line begins with its time, which is left out
// again unless it is wanted. Lines of one moment stand in the order of their streams. A last line
// without its newline gets one. A line of more than kMostHeld bytes comes in pieces that stand
// together, so that it stays one line. While the logs are followed, a line without its newline is
// shown after kPieceMs; should a line of another stream come before its rest, the rest has a line
// of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dm::master {

class LogMerge {
 public:
  using Key = std::size_t;  // of a stream: 0, 1, 2 ... as they were added

  // Of one stream; a little more may come before its sender has heard of it.
  static constexpr std::size_t kMostHeld = 64 * 1024;
  // What follows cannot wait for those that have nothing to say: at the beginning, when the past
  // is still on its way, for so long; later for so long after a line has come.
  static constexpr std::int64_t kBeginMs = 1000, kSilentMs = 200, kPieceMs = 1000;

  struct Options {
    bool stamps = false;   // the lines keep their times
    bool follows = false;  // a stream may be silent for ever
  };
  LogMerge(Options options, std::int64_t now_ms) : options_(options), began_ms_(now_ms) {}

  // All of them are added before the first byte comes. `prefix` stands before each of its lines.
  Key add(std::string prefix);
  // False: enough of that stream is held, no more until resumable() names it. Nothing is refused.
  bool feed(Key key, std::string_view bytes, std::int64_t now_ms);
  // No more will come.
  void end(Key key, std::int64_t now_ms);
  // The same, and what is held of it is nobody's any more; finished() will not name it.
  void drop(Key key);

  // The next lines, about 64 KiB of them; empty if a stream must be waited for, or all is out.
  std::string take(std::int64_t now_ms);
  // When to take() although nothing has come.
  std::int64_t deadline() const;

  // Streams that may send again, and those that have ended and whose last line is out: each is
  // named once.
  std::vector<Key> resumable() { return std::exchange(resumable_, {}); }
  std::vector<Key> finished() { return std::exchange(finished_, {}); }

 private:
  struct Stream {
    std::string prefix, held;
    std::size_t at = 0;       // where in `held` its first line begins
    std::size_t scanned = 0;  // up to there no newline was found
    std::size_t length = 0;   // of the first line
    std::size_t stamp = 0;    // bytes of its time
    std::int64_t time_ms = 0;
    bool has_line = false, ended = false, full = false;
    bool inside = false;      // what comes next goes on with a line of which a piece is out
    std::int64_t fed_ms = 0;  // when the last bytes came
  };
  void look(Key key);
  void take_line(Key key, std::size_t length);
  bool has_silent_piece(const Stream& stream) const;
  void show_silent_pieces(std::string& text, std::int64_t now_ms);
  void pop(std::string& text);
  bool is_late(std::int64_t now_ms) const { return options_.follows && now_ms >= deadline(); }

  Options options_;
  std::int64_t began_ms_;
  std::vector<Stream> streams_;
  std::set<std::pair<std::int64_t, Key>> first_lines_;  // time and stream
  std::set<Key> silent_;                                // not ended, and without a whole line
  std::optional<std::int64_t> held_since_ms_;           // a line waits for the silent ones
  std::vector<Key> resumable_, finished_;
  std::optional<Key> open_;  // whose line without its newline stands at the end of what was taken
};

}  // namespace dm::master
