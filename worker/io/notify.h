// worker/io/notify.h - tells systemd how we are (sd_notify(3)), by plain datagrams. Does nothing
// where nobody asked to be told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/io/fd.h"

namespace dm {

class Notify {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC and takes everything of that kind out of the
  // environment, so that neither the supervisor nor an app ever speaks in our name. To be made
  // before the first thread.
  Notify();

  // "READY=1", "STOPPING=1", "WATCHDOG=1".
  void send(std::string_view state) const;
  // How often WATCHDOG=1 is expected of us, halved; 0 if it is not.
  std::int64_t watchdog_ms() const { return watchdog_ms_; }

 private:
  std::string address_;
  std::int64_t watchdog_ms_ = 0;
};

}  // namespace dm
