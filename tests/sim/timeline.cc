#include "tests/sim/timeline.h"

namespace dm::sim {
namespace {

constexpr std::int64_t kMostAtOnce = 200'000;  // tasks in one moment: somebody spins

}  // namespace

bool Timeline::step() {
  if (failure_ || tasks_.empty()) return false;
  // priority_queue gives no way to move its top out.
  Entry entry = std::move(const_cast<Entry&>(tasks_.top()));
  tasks_.pop();
  steps_at_now_ = entry.at == now_ ? steps_at_now_ + 1 : 0;
  now_ = entry.at;
  ++steps_;
  entry.task();
  if (steps_at_now_ > kMostAtOnce) broken("time stands still: somebody spins");
  return !failure_;
}

void Timeline::trace(const std::string& text) const {
  if (!tracing_) return;
  const char* end = text.ends_with('\n') ? "" : "\n";
  std::printf("%9.3f %s%s", static_cast<double>(now_) / static_cast<double>(kSecond), text.c_str(),
              end);
}

void Timeline::broken(const std::string& text) {
  if (failure_) return;
  char time[32];
  std::snprintf(time, sizeof time, "%.3f",
                static_cast<double>(now_) / static_cast<double>(kSecond));
  failure_ = std::string("at ") + time + " s: " + text;
  trace("BROKEN " + text);
}

}  // namespace dm::sim
