#include "worker/supervisor/process_watch.h"

#include "worker/io/proc.h"

namespace dm::supervisor {

using namespace worker;

namespace {

constexpr std::int64_t kLookMs = 200;

}  // namespace

ProcessWatch::ProcessWatch(Loop& loop, int pid, std::uint64_t start, std::function<void()> on_end,
                           Means means)
    : loop_(loop), pid_(pid), start_(start), on_end_(std::move(on_end)) {
  if (means == Means::kBest) process_ = open_process(pid);
  if (process_.valid()) loop_.watch(process_.get(), true, false, [this](Ready) { ended(); });
  // With a descriptor one look is enough, taken after it was opened: what it names cannot change
  // any more, only have been another process from the beginning.
  timer_ = loop_.at(loop_.now().mono_ms, [this] { look(); });
}

ProcessWatch::~ProcessWatch() {
  if (process_.valid()) loop_.unwatch(process_.get());
  loop_.cancel(timer_);
}

void ProcessWatch::look() {
  const auto stat = read_stat(pid_);
  if (!stat || stat->start != start_ || !stat->alive()) return ended();
  if (!process_.valid()) timer_ = loop_.at(loop_.now().mono_ms + kLookMs, [this] { look(); });
}

void ProcessWatch::ended() {
  if (process_.valid()) loop_.unwatch(process_.get());
  process_.reset();
  loop_.cancel(timer_);
  // Last: it may destroy us.
  const auto on_end = std::move(on_end_);
  on_end();
}

}  // namespace dm::supervisor
