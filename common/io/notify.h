// common/io/notify.h - tells systemd how we are (sd_notify(3)), by plain datagrams. Does nothing
// where nobody asked to be told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/io/loop.h"

namespace dm {

class Notify {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC and takes everything of that kind out of the
  // environment, so that no child of ours ever speaks in our name. To be made before the first
  // thread.
  Notify();

  // "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=words" (one line, for `systemctl status`).
  void send(std::string_view state) const;
  // Sends WATCHDOG=1 from the loop, twice as often as it is expected, for as long as the loop
  // turns; nothing if it is not expected. Outlives the loop.
  void feed_watchdog(Loop& loop) const;

 private:
  std::string address_;
  std::int64_t watchdog_ms_ = 0;  // how often it is fed; 0: never
};

}  // namespace dm
