#include "common/io/acceptor.h"

#include <fcntl.h>

#include <cerrno>

#include "common/io/net.h"

namespace dm {
namespace {
// Then everybody else gets a turn: who was accepted before is heard before a crowd behind it.
constexpr int kMostAtOnce = 16;

Fd open_reserve() {
  return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}
}  // namespace

Acceptor::Acceptor(Loop& loop, Fd listener, std::function<void(Fd)> on_connection)
    : loop_(loop),
      listener_(std::move(listener)),
      reserve_(open_reserve()),
      on_connection_(std::move(on_connection)) {
  loop_.watch(listener_.get(), true, false, [this](Ready) { accept_some(); });
}

Acceptor::~Acceptor() {
  loop_.unwatch(listener_.get());
}

void Acceptor::accept_some() {
  for (int i = 0; i < kMostAtOnce; ++i) {
    auto fd = accept_from(listener_.get());
    if (fd) {
      on_connection_(std::move(*fd));
      continue;
    }
    if (errno == ECONNABORTED) continue;
    if (errno != EMFILE && errno != ENFILE) return;
    reserve_.reset();
    (void)accept_from(listener_.get());
    reserve_ = open_reserve();
    if (!reserve_.valid()) return;
  }
}

}  // namespace dm
