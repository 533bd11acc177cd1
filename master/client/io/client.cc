#include "master/client/io/client.h"

#include <signal.h>
#include <unistd.h>

#include <utility>

#include "common/codec.h"
#include "common/command_lines.h"
#include "common/escape.h"
#include "common/io/files.h"
#include "common/io/system.h"
#include "common/line_buffer.h"
#include "common/shell_words.h"
#include "master/commands/invocation.h"

namespace dm {
namespace {

constexpr int kMostJobs = 4;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // of an editor; no part of a command

void complain(const std::string& text) {
  (void)write_all(STDERR_FILENO, "dm: " + escape_for_terminal(text) + "\n");
}

// What can be said without a master. nullopt: it takes one.
std::optional<int> run_here(const std::vector<std::string>& words) {
  const auto invocation = parse_invocation(words);
  if (!invocation) {
    complain(invocation.error().message);
    return exit_status(invocation.error().code);
  }
  if (invocation->command->name == "quit") return kDone;
  if (invocation->command->name != "help") return std::nullopt;
  const auto text = help_text(invocation->operands);
  if (!text) {
    complain(text.error().message);
    return exit_status(text.error().code);
  }
  (void)write_all(STDOUT_FILENO, *text);
  return kDone;
}

}  // namespace

int exit_status(Code code) {
  switch (code) {
    case Code::kBadArg:
    case Code::kUnknownVerb: return kUsageError;
    case Code::kNotFound: return kNotThere;
    default: return kFailed;
  }
}

Client::Client(ClientOptions options) : options_(std::move(options)), jobs_(loop_, kMostJobs) {
  loop_.on_signal(SIGINT, [this] {
    if (!call_) return;
    call_->cancel();
    (void)output_->close(Output::Ending::kInterrupted);
    if (changes_) complain("no longer waiting; what was begun goes on");
    loop_.stop(kInterrupted);
  });
}

int Client::finish(const CallOutcome& outcome) {
  const auto ending = outcome.error ? Output::Ending::kFailed : Output::Ending::kWhole;
  if (const Status closed = output_->close(ending); !closed) {
    complain(closed.error().message);
    return kFailed;
  }
  if (!outcome.error) return kDone;
  complain(outcome.error->message);
  return outcome.reached ? exit_status(outcome.error->code) : kUnreachable;
}

int Client::run(const std::vector<std::string>& given) {
  if (const auto status = run_here(given)) return *status;
  std::vector<std::string> words = given;
  auto output = Output::open(words, read_clock().mono_ms);
  if (!output) {
    complain(output.error().message);
    return kFailed;
  }
  output_ = std::make_unique<Output>(std::move(*output));
  const auto invocation = parse_invocation(given);
  changes_ = invocation && invocation->command->role != Role::kViewer;
  Call::Handlers handlers;
  handlers.on_out = [this](std::string_view bytes) { output_->bytes(bytes); };
  handlers.on_note = [this](const std::string& text) { output_->note(text); };
  handlers.on_progress = [this](const std::string& what, std::int64_t done, std::int64_t total) {
    output_->progress(what, done, total, loop_.now().mono_ms);
  };
  handlers.on_done = [this](const CallOutcome& outcome) { loop_.stop(finish(outcome)); };
  call_ = std::make_unique<Call>(loop_, jobs_, Call::Target{options_.master, options_.key}, words,
                                 std::move(handlers));
  call_->start();
  const int status = loop_.run();
  call_.reset();
  return status;
}

// Runs one command of a script. nullopt: the script goes on.
std::optional<int> Client::run_command(const std::string& text, int& status) {
  const auto words = split_words(text);
  if (!words) {
    complain(words.error().message);
    status = exit_status(words.error().code);
    return std::nullopt;
  }
  if (words->empty()) return std::nullopt;
  if (words->front() == "quit") return status;
  if (const int ran = run(*words); ran != kDone) status = ran;
  return status == kInterrupted ? std::optional(status) : std::nullopt;
}

int Client::run_script(int fd) {
  LineBuffer lines(kMaxLine);
  CommandLines commands(kMaxLine);
  int status = kDone;
  bool ended = false, is_first = true;
  while (!ended) {
    char bytes[4096];
    const ssize_t got = retry([&] { return ::read(fd, bytes, sizeof bytes); });
    ended = got <= 0;
    // A last line without a newline is a line all the same.
    lines.feed(ended ? "\n" : std::string_view(bytes, static_cast<std::size_t>(got)));
    while (const auto line = lines.next()) {
      const bool has_mark = std::exchange(is_first, false) && line->starts_with(kByteOrderMark);
      const auto command =
          commands.take(std::string_view(*line).substr(has_mark ? kByteOrderMark.size() : 0));
      if (!command) continue;
      if (const auto left = run_command(*command, status)) return *left;
    }
    if (lines.too_long() || commands.too_long()) {
      complain("a command of the script is longer than 64 KiB: what follows is not run");
      return kUsageError;
    }
  }
  // The end of the script within quotes: the command was never whole, so it is not run.
  if (commands.waiting()) (void)run_command(commands.give_up(), status);
  return status;
}

}  // namespace dm
