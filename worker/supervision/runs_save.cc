// Runs handed over from one process image of a supervisor to the next.
#include "worker/supervision/runs.h"

namespace dm::supervisor {

std::vector<Line> Runs::save() const {
  std::vector<Line> lines = table_.save();
  lines.push_back(Line("REAPED").add("count", reaped_));
  for (int pid : failed_) lines.push_back(Line("FAILED").add("pid", pid));
  for (const RunKey& key : being_killed_)
    lines.push_back(Line("KILLING").add("instance", key.instance).add("run", key.run));
  return lines;
}

void Runs::load(const std::vector<Line>& lines) {
  for (const Line& line : lines) {
    if (line.verb() == "REAPED") reaped_ = line.number_or("count", 0);
    if (line.verb() == "FAILED") failed_.insert(static_cast<int>(line.number_or("pid", 0)));
    if (line.verb() == "NEXT" || line.verb() == "RUN" || line.verb() == "EXITED")
      (void)table_.load(line);
  }
  for (const auto& [key, run] : table_.runs()) {
    if (!run.cgroup.empty() && run.phase != RunPhase::kEnded) machine_.keep_cgroup(run.cgroup);
    if (run.is_adopted && run.lives()) machine_.watch(run);
  }
  for (const Line& line : lines) {
    const auto key = line.verb() == "KILLING" ? parse_run_key(line) : Result<RunKey>(Error{});
    const Run* run = key ? table_.find(*key) : nullptr;
    if (run != nullptr) kill(*run);
  }
  watch_over();
  watch_leases();
  look_again();
}

}  // namespace dm::supervisor
