// common/io/acceptor.h - takes connections from a listening socket, also when descriptors run
// out: a reserve descriptor is given up to accept and close, so that the listener never spins.
#pragma once

#include <functional>

#include "common/io/fd.h"
#include "common/io/loop.h"

namespace dm {

class Acceptor {
 public:
  Acceptor(Loop& loop, Fd listener, std::function<void(Fd)> on_connection);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  int fd() const { return listener_.get(); }

 private:
  void accept_some();

  Loop& loop_;
  Fd listener_;
  Fd reserve_;
  std::function<void(Fd)> on_connection_;
};

}  // namespace dm
