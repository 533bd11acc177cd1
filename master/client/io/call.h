// master/client/io/call.h - one command given to the master: its files brought up, its output
// handed on, its end. Every call has a connection of its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/io/jobs.h"
#include "common/io/line_connection.h"
#include "common/io/line_peer.h"
#include "common/io/net.h"

namespace dm {

struct CallOutcome {
  bool reached = true;  // false: no connection to the master, or it was cut
  std::optional<Error> error;
};

class Call {
 public:
  struct Handlers {
    std::function<void(std::string_view bytes)> on_out;
    std::function<void(const std::string& text)> on_note;
    std::function<void(const std::string& what, std::int64_t done, std::int64_t total)> on_progress;
    std::function<void(const CallOutcome&)> on_done;  // once; the call may be destroyed later on
  };

  // Whom to call, and with which key over TCP.
  struct Target {
    Endpoint master;
    std::optional<AccessKey> key;
  };

  Call(Loop& loop, Jobs& jobs, Target target, std::vector<std::string> words, Handlers handlers);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void start();
  // Stops waiting; the master is told, and the work goes on there. Nothing is called after this.
  void cancel();
  // The reader of the output is slow: stop and go on receiving.
  void pause() {
    if (connection_) connection_->pause();
  }
  void resume() {
    if (connection_) connection_->resume();
  }

 private:
  void connected(LinePeer::Released released, const std::string& manifest);
  void on_line(std::string_view text);
  void done(CallOutcome outcome);

  Loop& loop_;
  Jobs& jobs_;
  Target target_;
  std::vector<std::string> words_;
  // Shared with the helper thread, which may outlive this object.
  struct Shared {
    std::atomic<bool> cancelled{false};
    Call* call = nullptr;  // in the loop's thread only; null once the call is gone
  };
  std::shared_ptr<Shared> shared_;
  Handlers handlers_;
  std::unique_ptr<LineConnection> connection_;
  bool done_ = false;
};

}  // namespace dm
