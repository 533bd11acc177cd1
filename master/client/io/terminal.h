// master/client/io/terminal.h - one terminal: its modes, its size, its bytes. Decides nothing, and
// waits for nothing but to write.
#pragma once

#include <termios.h>

#include <string>
#include <string_view>

#include "common/result.h"

namespace dm {

struct TerminalSize {
  unsigned columns = 80;
  unsigned rows = 24;
};

class Terminal {
 public:
  // Both descriptors are borrowed and are the same terminal. Nothing is changed yet.
  Terminal(int input, int output) : input_(input), output_(output) {}
  ~Terminal() { restore(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Every key comes as it is, ^C and ^Z too; pastes come marked. Errors: the terminal is gone.
  // A process in the background is stopped by this (SIGTTOU, termios(3p)).
  Status edit();
  // Keys wait, unseen, for the next edit(); ^C, ^Z and ^\ are signals. Errors as above.
  Status wait();
  // As it was before the first of the two. Safe in a signal handler (signal-safety(7)).
  void restore();

  // As the terminal says; 80 x 24 where it says nothing.
  TerminalSize size() const;

  int fd() const { return input_; }
  // Appends what has come, without waiting. False at the end: hung up, or an error.
  bool read_available(std::string& bytes);
  // False if the terminal is gone. Waits while it takes nothing.
  bool write_all(std::string_view bytes);

 private:
  enum class Mode { kOriginal, kEdit, kWait };
  Status enter(Mode mode);

  int input_;
  int output_;
  Mode mode_ = Mode::kOriginal;
  termios original_ = {};
};

// True where no line can be edited: TERM is unset, empty or "dumb".
bool terminal_is_dumb();

}  // namespace dm
