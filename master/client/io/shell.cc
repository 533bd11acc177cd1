#include "master/client/io/shell.h"

#include <signal.h>
#include <unistd.h>

#include "common/escape.h"
#include "common/io/files.h"
#include "common/io/system.h"
#include "common/shell_words.h"
#include "master/client/io/directory.h"
#include "master/commands/invocation.h"

namespace dm {
namespace {

constexpr int kMostJobs = 4;
constexpr int kHungUp = 129;  // 128 + SIGHUP
constexpr std::string_view kPrompt = "dm> ";
constexpr std::string_view kMorePrompt = "  > ";  // a quote is still open
constexpr std::int64_t kReconnectMs = 2000;

// What the operator has just asked for is no news.
constexpr std::string_view kNoNews[] = {"command", "launched", "copied", "registered", "deleted"};

bool is_news(std::string_view line) {
  const std::size_t kind_at = line.find("  ");
  if (kind_at == std::string_view::npos) return true;
  const std::string_view rest = line.substr(kind_at + 2);
  const std::string_view kind = rest.substr(0, rest.find("  "));
  for (std::string_view known : kNoNews)
    if (kind == known) return false;
  return rest.find("by operator") == std::string_view::npos;
}

CommandWords words_of(const CommandSpec& command) {
  CommandWords words;
  words.name = command.name;
  words.operands = {command.operands.kind};
  for (const OptionSpec& option : command.options) {
    OptionWords known{std::string(option.name), option.value, {}};
    for (std::string_view rest = option.choices; !rest.empty();) {
      const std::size_t bar = std::min(rest.find('|'), rest.size());
      known.choices.emplace_back(rest.substr(0, bar));
      rest.remove_prefix(std::min(bar + 1, rest.size()));
    }
    words.options.push_back(std::move(known));
  }
  return words;
}

void to_terminal(std::string_view text) {
  (void)write_all(STDOUT_FILENO, text);
}

}  // namespace

Shell::Shell(ClientOptions options, const std::string& history_path)
    : options_(std::move(options)),
      jobs_(loop_, kMostJobs),
      terminal_(STDIN_FILENO, STDOUT_FILENO),
      prompt_(terminal_, history_, [this](std::string_view text) { return complete(text); }) {
  for (const CommandSpec& command : command_table())
    if (!command.hidden) words_.commands.push_back(words_of(command));
  if (history_path.empty()) return;
  file_ = std::make_unique<HistoryFile>(history_path);
  if (auto loaded = file_->load(history_); !loaded)
    to_terminal("history: " + loaded.error().message + "\n");
}

int Shell::run() {
  loop_.on_signal(SIGINT, [this] { interrupt(); });
  loop_.on_signal(SIGWINCH, [this] { prompt_.on_resize(); });
  loop_.on_signal(SIGTSTP, [this] { suspend(); });
  loop_.on_signal(SIGQUIT, [] {});
  for (int signal : {SIGTERM, SIGHUP}) loop_.on_signal(signal, [this] { leave(kHungUp); });
  watch_events();
  refresh_names();
  next_line();
  const int status = loop_.run();
  prompt_.stop();
  return status;
}

void Shell::leave(int status) {
  terminal_.restore();
  loop_.stop(status);
}

// Reads the terminal while a line is being typed, and only then.
void Shell::arm() {
  const bool reading = prompt_.reading();
  if (reading && !watched_)
    loop_.watch(prompt_.fd(), true, false, [this](Ready) { handle(prompt_.on_readable()); });
  if (!reading && watched_) loop_.unwatch(prompt_.fd());
  watched_ = reading;
  loop_.cancel(timer_);
  const int wait_ms = prompt_.timeout_ms();
  if (reading && wait_ms >= 0)
    timer_ = loop_.at(loop_.now().mono_ms + wait_ms, [this] { handle(prompt_.on_timeout()); });
}

void Shell::handle(const std::vector<PromptEvent>& events) {
  for (const PromptEvent& event : events) {
    switch (event.kind) {
      case PromptEvent::kLine:
        if (event.kept && file_) (void)file_->append(event.text);
        entered(event.text);
        break;
      case PromptEvent::kInterrupt:
        if (!commands_.waiting()) break;
        (void)commands_.give_up();
        prompt_.stop();
        prompt_.start(kPrompt);
        break;
      case PromptEvent::kEndOfFile:
        // ^D, or a terminal that is gone: only the first is a wish.
        return leave(::isatty(STDIN_FILENO) != 0 ? kDone : kHungUp);
      case PromptEvent::kSuspend: suspend(); break;
    }
  }
  arm();
}

void Shell::next_line() {
  prompt_.start(commands_.waiting() ? kMorePrompt : kPrompt);
  arm();
}

void Shell::entered(const std::string& line) {
  const auto command = commands_.take(line);
  if (commands_.too_long()) {
    commands_ = CommandLines(kMaxLine);
    prompt_.forget_waiting();
    to_terminal("a command is longer than 64 KiB\n");
  }
  if (!command) return next_line();
  auto words = split_words(*command);
  if (!words) {
    to_terminal(words.error().message + "\n");
    return next_line();
  }
  if (words->empty()) return next_line();
  const auto invocation = parse_invocation(*words);
  if (!invocation) {
    to_terminal(invocation.error().message + "\n");
    return next_line();
  }
  if (invocation->command->name == "quit") return leave(kDone);
  auto output = Output::open(*words, loop_.now().mono_ms);
  if (!output) {
    to_terminal(output.error().message + "\n");
    return next_line();
  }
  output_ = std::make_unique<Output>(std::move(*output));
  changes_ = invocation->command->role != Role::kViewer;
  Call::Handlers handlers;
  handlers.on_out = [this](std::string_view bytes) { output_->bytes(bytes); };
  handlers.on_note = [this](const std::string& text) { output_->note(text); };
  handlers.on_progress = [this](const std::string& what, std::int64_t done, std::int64_t total) {
    output_->progress(what, done, total, loop_.now().mono_ms);
  };
  handlers.on_done = [this](const CallOutcome& outcome) { ended(outcome); };
  call_ = std::make_unique<Call>(loop_, jobs_, Call::Target{options_.master, options_.key}, *words,
                                 std::move(handlers));
  call_->start();
}

void Shell::ended(const CallOutcome& outcome) {
  const auto ending = outcome.error ? Output::Ending::kFailed : Output::Ending::kWhole;
  if (auto closed = output_->close(ending); !closed) to_terminal(closed.error().message + "\n");
  if (outcome.error) to_terminal("error: " + escape_for_terminal(outcome.error->message) + "\n");
  loop_.later([this] {
    call_.reset();
    refresh_names();
    next_line();
  });
}

// Gives up waiting, not the work.
void Shell::interrupt() {
  if (!call_) return;
  call_->cancel();
  (void)output_->close(Output::Ending::kInterrupted);
  prompt_.forget_waiting();
  to_terminal(changes_ ? "\nno longer waiting; what was begun goes on\n" : "\n");
  loop_.later([this] {
    call_.reset();
    next_line();
  });
}

void Shell::suspend() {
  if (options_.attached) {
    // Nobody would wake the shell of a daemon again.
    if (prompt_.reading() || call_) return;
    return next_line();
  }
  const bool was_reading = prompt_.reading();
  prompt_.stop();
  arm();
  terminal_.restore();
  ::kill(0, SIGSTOP);
  if (was_reading || !call_) next_line();
}

// --- what happens meanwhile ---

void Shell::watch_events() {
  Call::Handlers handlers;
  handlers.on_out = [this](std::string_view bytes) { show_event(bytes); };
  handlers.on_note = [](const std::string&) {};
  handlers.on_progress = [](const std::string&, std::int64_t, std::int64_t) {};
  handlers.on_done = [this](const CallOutcome& outcome) {
    if (options_.attached) {
      prompt_.print_above("the master has ended\n");
      return leave(kFailed);
    }
    if (outcome.error && event_text_ != "gone")
      prompt_.print_above("no connection to the master\n");
    event_text_ = "gone";
    loop_.at(loop_.now().mono_ms + kReconnectMs, [this] { watch_events(); });
  };
  events_ = std::make_unique<Call>(loop_, jobs_, Call::Target{options_.master, options_.key},
                                   std::vector<std::string>{"events", "-f", "-n", "0"},
                                   std::move(handlers));
  events_->start();
}

void Shell::show_event(std::string_view bytes) {
  if (event_text_ == "gone") event_text_.clear();
  event_text_.append(bytes);
  std::string news;
  for (std::size_t end; (end = event_text_.find('\n')) != std::string::npos;) {
    const std::string line = event_text_.substr(0, end + 1);
    event_text_.erase(0, end + 1);
    if (is_news(line)) news += line;
  }
  if (news.empty()) return;
  prompt_.print_above(news);
  refresh_names();
}

void Shell::refresh_names() {
  if (names_) return;
  names_text_.clear();
  Call::Handlers handlers;
  handlers.on_out = [this](std::string_view bytes) { names_text_.append(bytes); };
  handlers.on_note = [](const std::string&) {};
  handlers.on_progress = [](const std::string&, std::int64_t, std::int64_t) {};
  handlers.on_done = [this](const CallOutcome& outcome) {
    if (!outcome.error) take_names();
    loop_.later([this] { names_.reset(); });
  };
  names_ = std::make_unique<Call>(loop_, jobs_, Call::Target{options_.master, options_.key},
                                  std::vector<std::string>{"names"}, std::move(handlers));
  names_->start();
}

// "worker NAME", "app NAME", "instance NAME", one a line.
void Shell::take_names() {
  words_.workers.clear();
  words_.apps.clear();
  words_.instances.clear();
  std::string_view rest = names_text_;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view row = rest.substr(0, end);
    const std::size_t space = row.find(' ');
    const std::string_view kind = row.substr(0, space);
    if (space != std::string_view::npos) {
      std::string name(row.substr(space + 1));
      if (kind == "worker")
        words_.workers.push_back(std::move(name));
      else if (kind == "app")
        words_.apps.push_back(std::move(name));
      else
        words_.instances.push_back(std::move(name));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

Completion Shell::complete(std::string_view text) const {
  Completion completion = dm::complete(words_, text);
  if (!completion.files) return completion;
  const auto entries = entries_of(completion.files->directory, completion.files->prefix);
  return with_files(std::move(completion), entries);
}

}  // namespace dm
