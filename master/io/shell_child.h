// master/io/shell_child.h - the shell of a dm-master: a process of its own that takes the
// terminal's foreground and speaks the control protocol like any dm, so that nothing typed there
// can stop or freeze the daemon.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <optional>

#include "common/io/net.h"

namespace dm::master {

class ShellChild {
 public:
  ShellChild();

  // Starts the shell (a terminal) or the script (anything else) on standard input. Call before any
  // thread exists. Errors: fork's.
  Status start(const Endpoint& control);
  // Was standard input a terminal when we began? It may have been hung up on since.
  bool is_interactive() const { return terminal_.has_value(); }
  // The exit status of the child if it has ended, once; 128 + N for signal N.
  std::optional<int> take_status();
  // Ends a shell; a script ends by itself.
  void end();
  // Takes the terminal's foreground back, as it was, if there is one.
  void retake_terminal() const;

 private:
  std::optional<termios> terminal_;  // how it was
  pid_t child_ = -1;
};

}  // namespace dm::master
