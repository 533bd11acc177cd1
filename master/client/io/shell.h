// master/client/io/shell.h - the interactive shell: the line being typed, one command at a time,
// and what happens meanwhile printed above.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/codec.h"
#include "common/command_lines.h"
#include "common/io/jobs.h"
#include "common/io/loop.h"
#include "master/client/complete.h"
#include "master/client/history.h"
#include "master/client/io/call.h"
#include "master/client/io/client.h"
#include "master/client/io/history_file.h"
#include "master/client/io/output.h"
#include "master/client/io/prompt.h"
#include "master/client/io/terminal.h"

namespace dm {

class Shell {
 public:
  // Standard input and output are a terminal. Lines are kept in `history_path`; empty: nowhere.
  Shell(ClientOptions options, const std::string& history_path);

  // Until `quit`, ^D (0), or the terminal hangs up (129).
  int run();

 private:
  void handle(const std::vector<PromptEvent>& events);
  void entered(const std::string& line);
  void ended(const CallOutcome& outcome);
  void interrupt();
  void suspend();
  void next_line();
  void arm();
  void leave(int status);

  void watch_events();
  void show_event(std::string_view bytes);
  void refresh_names();
  void take_names();
  Completion complete(std::string_view text) const;

  ClientOptions options_;
  Loop loop_;
  Jobs jobs_;
  Terminal terminal_;
  History history_;
  std::unique_ptr<HistoryFile> file_;
  CompletionWords words_;
  CommandLines commands_{kMaxLine};  // the lines of a command whose quotes are open
  Prompt prompt_;
  bool watched_ = false;  // the loop reads the terminal
  Loop::TimerId timer_{};
  std::unique_ptr<Output> output_;
  std::unique_ptr<Call> call_;    // the command that runs
  bool changes_ = false;          // it is not one that only looks
  std::unique_ptr<Call> events_;  // `events -f`
  std::unique_ptr<Call> names_;
  std::string event_text_, names_text_;
};

}  // namespace dm
