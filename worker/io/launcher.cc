#include "worker/io/launcher.h"

#include <algorithm>
#include <memory>

namespace dm::worker {
namespace {

// Making a directory costs 20 us, or milliseconds on a file system in trouble: a thousand of them
// in a row must not hold up the beats.
constexpr int kMostAtOnce = 8;
constexpr std::size_t kMostInBatch = 64;  // then the supervisor gets to work on them

}  // namespace

void Launcher::spawn(const Spawn& order, const InstanceSpec& spec) {
  if (held_.contains(order.instance)) return;  // asked again while it is being prepared
  Start start{order, spec.app, spec.manifest, store_.has_work_dir(order.instance)};
  if (start.has_work_dir && at_once_ < kMostAtOnce) {
    if (at_once_++ == 0) loop_.later([this] { at_once_ = 0; });
    Prepared prepared = prepare(start);
    (void)send_spawn(prepared);
    return;
  }
  held_[order.instance] = {};
  if (!start.has_work_dir && store_.has_files(spec.app, spec.manifest))
    return copies_.run([this, start] { return prepare_all({start}); });
  waiting_.push_back(std::move(start));
  if (!preparing_) prepare_waiting();
}

void Launcher::prepare_waiting() {
  preparing_ = !waiting_.empty();
  if (!preparing_) return;
  const auto end =
      waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMostInBatch));
  const std::vector<Start> starts(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  starts_.run([this, starts]() -> Task {
    return [this, send = prepare_all(starts)]() mutable {
      prepare_waiting();  // the next ones, while these are sent
      send();
    };
  });
}

// In a helper thread.
Task Launcher::prepare_all(const std::vector<Start>& starts) {
  Batch batch;
  for (const Start& start : starts) batch.push_back(prepare(start));
  return [this, batch = std::move(batch)]() mutable { send_all(batch); };
}

// In any thread.
Launcher::Prepared Launcher::prepare(const Start& start) const {
  const Spawn& order = start.order;
  Prepared prepared{order, std::nullopt, Fd()};
  Status made;
  if (!start.has_work_dir) made = store_.make_work_dir(order.instance, start.app, start.version);
  if (!made) {
    prepared.error = made.error();
    return prepared;
  }
  auto log = store_.open_log(order.instance, order.run);
  if (log)
    prepared.log = std::move(*log);
  else
    prepared.error = log.error();
  return prepared;
}

void Launcher::send_all(Batch& batch) {
  for (Prepared& prepared : batch) {
    const auto held = held_.extract(prepared.order.instance);
    if (!send_spawn(prepared) || held.empty()) continue;
    for (const std::string& text : held.mapped()) (void)link_.send(text);
  }
}

// False if the run cannot begin.
bool Launcher::send_spawn(Prepared& prepared) {
  const Spawn& order = prepared.order;
  const std::string text = order.line.print();
  if (text.size() > kMaxLine && !prepared.error)
    prepared.error = fail(Code::kExecFailed, "arguments and environment are longer than 64 KiB");
  if (prepared.error) {
    failed_({order.instance, order.run, *prepared.error});
    return false;
  }
  // Not sent, it is asked for again once a supervisor has said what it knows.
  (void)link_.send(text, std::move(prepared.log));
  return true;
}

void Launcher::send(const Line& line) {
  const auto held = held_.find(std::string(line.text("instance")));
  if (held != held_.end()) return held->second.push_back(line.print());
  (void)link_.send(line.print());
}

}  // namespace dm::worker
