#include "master/client/io/output.h"

#include <unistd.h>

#include "common/escape.h"
#include "common/io/files.h"
#include "common/io/system.h"
#include "common/units.h"
#include "master/client/io/terminal.h"
#include "master/client/progress.h"
#include "master/commands/invocation.h"

namespace dm {
namespace {

constexpr std::int64_t kBarAfterMs = 1000;  // what is quick needs no bar

void to_stderr(std::string_view text) {
  (void)write_all(STDERR_FILENO, text);
}

std::optional<std::string> take_file(std::vector<std::string>& words) {
  if (words.empty() || words.front() != "logs") return std::nullopt;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!words[i].starts_with("-o")) continue;
    const bool joined = words[i].size() > 2;
    if (!joined && i + 1 >= words.size()) return std::nullopt;
    const std::string file = joined ? words[i].substr(2) : words[i + 1];
    const auto from = words.begin() + static_cast<std::ptrdiff_t>(i);
    words.erase(from, from + (joined ? 1 : 2));
    return file;
  }
  return std::nullopt;
}

}  // namespace

Result<Output> Output::open(std::vector<std::string>& words, std::int64_t now_ms) {
  Output output;
  output.started_ms_ = now_ms;
  output.terminal_ = ::isatty(STDERR_FILENO) != 0 && !terminal_is_dumb();
  const auto invocation = parse_invocation(words);
  output.follows_ = invocation && invocation->has("-f");
  if (const auto file = take_file(words)) {
    output.saved_.emplace(*file);
    if (auto checked = output.saved_->check(); !checked) return checked.error();
  }
  return output;
}

void Output::bytes(std::string_view bytes) {
  if (!saved_) clear_bar();
  written_ += static_cast<std::int64_t>(bytes.size());
  if (error_) return;
  const Status written = saved_ ? saved_->write(bytes) : write_all(STDOUT_FILENO, bytes);
  if (!written) error_ = written.error();
}

void Output::note(const std::string& text) {
  clear_bar();
  to_stderr("dm: " + escape_for_terminal(text) + "\n");
}

void Output::progress(const std::string& what, std::int64_t done, std::int64_t total,
                      std::int64_t now_ms) {
  if (what != what_) {
    what_ = what;
    what_started_ms_ = now_ms;
  }
  // A bar between the lines of a log on the terminal would only be in the way.
  if (written_ > 0 && !saved_) return;
  if (!terminal_ || now_ms - started_ms_ < kBarAfterMs) return;
  const Terminal terminal(STDERR_FILENO, STDERR_FILENO);
  const unsigned columns = terminal.size().columns;
  to_stderr("\r" + progress_bar(what, done, total, now_ms - what_started_ms_, columns - 1) +
            "\x1b[K");
  bar_shown_ = true;
}

void Output::clear_bar() {
  if (bar_shown_) to_stderr("\r\x1b[K");
  bar_shown_ = false;
}

Status Output::close(Ending ending) {
  clear_bar();
  if (!saved_) return error_ ? Status(*error_) : Status();
  if (error_) {
    saved_->discard();
    return *error_;
  }
  if (ending == Ending::kFailed) {
    keep_part();
    return {};
  }
  if (ending == Ending::kInterrupted && !follows_) {
    saved_->discard();
    return {};
  }
  if (auto committed = saved_->commit(); !committed) return committed;
  note(saved_->path() + ": " + print_bytes(written_));
  return {};
}

void Output::keep_part() {
  const std::string part = saved_->keep_apart();
  if (!part.empty())
    note(saved_->path() + " is as it was; the " + print_bytes(written_) + " that came are in " +
         part);
}

}  // namespace dm
