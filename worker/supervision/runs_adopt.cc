// Runs that another supervisor began: they are no children of ours, so they are found by their
// identity, and how they end nobody can know.
#include "common/signals.h"
#include "worker/supervision/runs.h"

namespace dm::supervisor {
namespace {

Error nothing_lives() {
  return fail(Code::kNotFound, "nothing of that run lives");
}

}  // namespace

void Runs::adopt(const Asker& asker, const Line& line) {
  const auto key = parse_run_key(line);
  if (!key) return refuse(asker, key.error());
  if (answer_known(asker, *key)) return;
  const auto pid = static_cast<int>(line.number_or("pid", 0));
  const auto start = static_cast<std::uint64_t>(line.number_or("start", 0));
  const auto main = machine_.find_main(*key, pid, start);
  if (!main) return refuse(asker, main.error());
  Run& run = table_.begin(*key, line.number_or("started_ms", machine_.now().wall_ms));
  run.waiting.push_back(asker);
  run.lease_until_ms = line.number_or("lease_until_ms", 0);
  if (*main)
    table_.adopted(run, (*main)->pid, (*main)->start);
  else
    table_.adopted(run, pid, start);
  take_over(run, *main);
  watch_leases();
}

void Runs::take_over(Run& run, const std::optional<FoundProcess>& main) {
  run.cgroup = main ? main->cgroup : machine_.find_left_cgroup(run.key);
  if (!main && machine_.is_empty(run)) {
    const Asker asker = run.waiting.front();
    table_.abandon(run);
    return refuse(asker, nothing_lives());
  }
  if (!run.cgroup.empty()) machine_.keep_cgroup(run.cgroup);
  succeed(run);
  if (!main) return lost(RunKey(run.key));
  machine_.watch(run);
  if (stopping_) deliver(run, kSigint, false);
}

// Its main process has ended, and whoever was its parent then knows how.
void Runs::lost(const RunKey& key) {
  machine_.unwatch(key);
  Run* run = table_.find(key);
  if (run == nullptr || !run->lives()) return;
  ExitFacts facts;
  facts.unknown = true;
  end_run(*run, std::move(facts));
  lines_.quiet();
}

}  // namespace dm::supervisor
