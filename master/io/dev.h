// master/io/dev.h - `--dev`: workers on this machine that end with the master, however it ends.
//
// A guardian process starts them and holds the read end of a pipe, as they do; the write end is
// the master's alone. Its end of file, which a kill -9 causes too, is the signal to stop every
// app and go; the guardian then removes the directory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/io/fd.h"
#include "common/result.h"

namespace dm::master {

class DevCluster {
 public:
  // A fresh directory under TMPDIR (/tmp), with a fresh secret.
  static Result<DevCluster> make();

  const std::string& directory() const { return directory_; }
  std::string secret_file() const { return directory_ + "/secret"; }
  // Starts the guardian and, from it, `count` workers w1, w2, ... of the dm-worker that lies
  // beside this program. Call before any thread exists.
  Status start(int count, std::uint16_t port);
  // Lets go, and waits until nothing is left (at most 15 s).
  void end();

 private:
  std::string directory_;
  Fd tether_;  // the write end
  pid_t guardian_ = -1;
};

}  // namespace dm::master
