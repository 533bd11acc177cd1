// master/client/io/prompt.h - the line being typed, on a terminal: keys, editor and screen tied
// together for a program that has its own loop. Never waits, never reads a clock.
//
// A Prompt is stopped, active or between lines:
//   start()                                  -> active: keys are read and shown
//   an entered line (kLine)                  -> between lines: keys wait unseen; ^C, ^Z and ^\ are
//                                               signals, for the command that runs now
//   stop(), or an event kEndOfFile, kSuspend -> stopped: the terminal is as it was
// What was typed or pasted ahead comes out after the next start(), line by line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "master/client/editor.h"
#include "master/client/history.h"
#include "master/client/io/terminal.h"
#include "master/client/keys.h"
#include "master/client/screen.h"

namespace dm {

struct PromptEvent {
  enum class Kind {
    kLine,       // text: what was entered, perhaps nothing but blanks
    kInterrupt,  // ^C: the line was given up, a new one is being typed
    kEndOfFile,  // ^D, or the terminal has hung up
    kSuspend,    // ^Z: the caller stops itself, and calls start() when it goes on
  };
  using enum Kind;

  Kind kind = kLine;
  std::string text;
  bool kept = false;  // kLine: new in the history, to be appended to its file
};

class Prompt {
 public:
  // The terminal and the history are borrowed.
  Prompt(Terminal& terminal, History& history, Editor::CompleteFn complete)
      : terminal_(terminal), editor_(history, std::move(complete)) {}

  // Shows the prompt, on a row of its own, and what is in the line already.
  void start(std::string_view prompt);
  // Takes the line off the screen; its text stays for the next start().
  void stop();

  // Readable means: call on_readable(). To be watched only while reading().
  int fd() const { return terminal_.fd(); }
  bool reading() const { return mode_ == Mode::kActive; }

  // Reads what has come. At most one kLine, always the last event: the rest waits for start().
  std::vector<PromptEvent> on_readable();

  // Milliseconds after which on_timeout() is to be called if nothing was readable until then: 0
  // where something waits already, -1 for never. Ask again after every other call.
  int timeout_ms() const;
  std::vector<PromptEvent> on_timeout();

  // The terminal has another size (SIGWINCH).
  void on_resize();

  // Prints above the line being typed, which is then shown again; where none is shown, as it is.
  // The caller has escaped what control characters it does not want. What else the caller writes
  // to the terminal ends in a newline.
  void print_above(std::string_view text);

  // Forgets what was typed or pasted ahead: ^C was meant for all of it.
  void forget_waiting();

 private:
  enum class Mode { kStopped, kActive, kBetween };

  std::vector<PromptEvent> work();
  void apply(EditResult result, std::vector<PromptEvent>& events);
  void enter(PromptEvent::Kind kind, EditResult result, std::vector<PromptEvent>& events);
  void leave(PromptEvent::Kind kind, std::vector<PromptEvent>& events);
  void write(const std::string& bytes);
  std::string draw();

  Terminal& terminal_;
  KeyReader keys_;
  Editor editor_;
  Screen screen_;
  std::string prompt_;
  Mode mode_ = Mode::kStopped;
  bool backlog_ = false;  // something may wait that work() has not seen
  bool ended_ = false;    // the terminal has hung up
  bool mid_row_ = false;  // output without a newline at its end stands on the row
};

}  // namespace dm
