// master/client/io/client.h - dm as its user meets it: one command, a script, or the shell.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/access_key.h"
#include "common/io/jobs.h"
#include "common/io/loop.h"
#include "common/io/net.h"
#include "master/client/io/call.h"
#include "master/client/io/output.h"

namespace dm {

struct ClientOptions {
  Endpoint master;
  std::optional<AccessKey> key;  // for a master that is reached over TCP
  bool attached = false;         // the shell of a dm-master: quit ends that too, ^Z does nothing
};

// Exit statuses of dm (SPEC 3).
inline constexpr int kDone = 0, kFailed = 1, kUsageError = 2, kNotThere = 3, kUnreachable = 4;
inline constexpr int kInterrupted = 130;  // 128 + SIGINT
int exit_status(Code code);

class Client {
 public:
  explicit Client(ClientOptions options);

  // One command; returns the exit status.
  int run(const std::vector<std::string>& words);
  // Commands of a file or a pipe, each ended by the line in which its quotes end; ends at the first
  // `quit`. Returns the status of the last one that failed, else 0.
  int run_script(int fd);

 private:
  int finish(const CallOutcome& outcome);
  std::optional<int> run_command(const std::string& text, int& status);

  ClientOptions options_;
  Loop loop_;
  Jobs jobs_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Call> call_;
  bool changes_ = false;  // the command at hand is not one that only looks
};

}  // namespace dm
