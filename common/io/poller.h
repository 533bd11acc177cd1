// common/io/poller.h - waits for descriptors: epoll where there is one, poll(2) elsewhere.
#pragma once

#include <cstdint>
#include <vector>

#include "common/io/fd.h"

namespace dm {

struct Ready {
  int fd;
  bool readable;  // also end of file and errors: a read will tell
  bool writable;
};

class Poller {
 public:
  static constexpr int kMostAtOnce = 512;

  Poller();
  // Sets what is waited for; both false keeps the descriptor but hears only of errors.
  void set(int fd, bool read, bool write);
  void remove(int fd);
  // Waits up to `timeout_ms` (-1: for ever) and returns what is ready; empty at the deadline or
  // after a signal. At most kMostAtOnce: call again with 0 until empty to see all.
  const std::vector<Ready>& wait(int timeout_ms);

 private:
  Fd epoll_;
  // By descriptor: bits of what is waited for; 0: not watched.
  std::vector<std::uint8_t> interests_;
  std::vector<Ready> ready_;
};

}  // namespace dm
