#include "worker/io/launcher.h"

namespace dm {

void Launcher::spawn(const Spawn& order, const InstanceSpec& spec) {
  if (held_.contains(order.instance)) return;  // asked again while its files are being copied
  if (store_.has_work_dir(order.instance)) return send_spawn(order);
  if (!store_.has_files(spec.app, spec.manifest))
    return made(order, store_.make_work_dir(order.instance, spec.app, spec.manifest));
  held_[order.instance] = {};
  jobs_.run([this, order, app = spec.app, version = spec.manifest]() -> Loop::Task {
    const Status outcome = store_.make_work_dir(order.instance, app, version);
    return [this, order, outcome] { made(order, outcome); };
  });
}

void Launcher::made(const Spawn& order, const Status& outcome) {
  const auto held = held_.extract(order.instance);
  if (!outcome) return failed_({order.instance, order.run, outcome.error()});
  send_spawn(order);
  if (held.empty()) return;
  for (const std::string& text : held.mapped()) (void)link_.send(text);
}

void Launcher::send_spawn(const Spawn& order) {
  const std::string text = order.line.print();
  if (text.size() > kMaxLine)
    return failed_({order.instance, order.run,
                    fail(Code::kExecFailed, "arguments and environment are longer than 64 KiB")});
  auto log = store_.open_log(order.instance, order.run);
  if (!log) return failed_({order.instance, order.run, log.error()});
  // Not sent, it is asked for again once a supervisor has said what it knows.
  (void)link_.send(text, std::move(*log));
}

void Launcher::send(const Line& line) {
  const auto held = held_.find(std::string(line.text("instance")));
  if (held != held_.end()) return held->second.push_back(line.print());
  (void)link_.send(line.print());
}

}  // namespace dm
