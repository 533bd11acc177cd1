#include "worker/io/stop_apps.h"

#include <sys/socket.h>

#include "common/codec.h"
#include "common/io/files.h"
#include "common/io/net.h"
#include "common/io/system.h"
#include "common/line_buffer.h"
#include "worker/io/supervisor_start.h"

namespace dm::worker {
namespace {

constexpr int kGraceMs = 10'000;
constexpr int kPatienceMs = 30'000;

}  // namespace

Result<StoppedApps> stop_apps(const std::string& root) {
  const auto fd = connect_blocking(Endpoint{"", 0, supervisor_socket(root)}, kPatienceMs);
  if (!fd && fd.error().code == Code::kDenied) return fd.error();
  StoppedApps stopped;
  if (!fd) return stopped;
  stopped.has_run = true;
  set_timeouts(fd->get(), kPatienceMs);
  Line order("STOP-ALL");
  order.add("id", "stop").add("timeout_ms", kGraceMs);
  if (auto sent = write_all(fd->get(), order.print()); !sent) return sent.error();
  LineBuffer in(kMaxLine);
  char bytes[4096];
  while (true) {
    const ssize_t got = retry([&] { return ::recv(fd->get(), bytes, sizeof bytes, 0); });
    // It ends when nothing is left, and its connections with it.
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return stopped;
    if (got < 0)
      return fail(Code::kTimeout, "the supervisor has not stopped every app within 30 s");
    in.feed({bytes, static_cast<std::size_t>(got)});
    while (const auto text = in.next()) {
      const auto line = parse_line(*text);
      if (!line || line->text("id") != "stop") continue;
      stopped.orphans = line->all("orphan");
      if (line->verb() == "OK") return stopped;
      return fail(code_from(line->text("code")), std::string(line->text("msg", "refused")));
    }
  }
}

}  // namespace dm::worker
