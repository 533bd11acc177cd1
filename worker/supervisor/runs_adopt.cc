// Runs that another supervisor began: they are no children of ours, so they are found by their
// identity, and how they end nobody can know.
#include <signal.h>

#include <algorithm>

#include "common/io/system.h"
#include "worker/core/cgroup_place.h"
#include "worker/io/proc.h"
#include "worker/supervisor/runs.h"

namespace dm::supervisor {

using namespace worker;

namespace {

// Where a process is, if that is the place of such a run: ".../dm-HASH/APP.N" or ".../APP.N.RUN".
// Only the kernel is asked, so that no agent can have another's cgroup killed.
std::string cgroup_of(int pid, const RunKey& key, const std::string& base_name) {
  const auto mounts = read_small_file("/proc/self/mountinfo", std::size_t{1} << 20);
  const auto place = read_small_file("/proc/" + std::to_string(pid) + "/cgroup");
  const std::string path = mounts && place ? own_cgroup(*mounts, *place).value_or("") : "";
  const std::string own = "/" + base_name + "/" + key.instance;
  const bool is_ours = path.ends_with(own) || path.ends_with(own + "." + std::to_string(key.run));
  return is_ours ? path : std::string();
}

Error nothing_lives() {
  return fail(Code::kNotFound, "nothing of that run lives");
}

}  // namespace

void Runs::adopt(const Asker& asker, const Line& line) {
  const auto key = parse_run_key(line);
  if (!key) return refuse(asker, key.error());
  switch (table_.judge(*key)) {
    case SpawnVerdict::kSpawn: break;
    case SpawnVerdict::kWait: table_.find(*key)->waiting.push_back(asker); return;
    case SpawnVerdict::kAnswer:
      outlet_.answer(asker, spawn_answer(asker.id, *table_.find(*key)));
      return;
    case SpawnVerdict::kExists:
      return refuse(asker, fail(Code::kExists, "a later run of " + key->instance + " is known"));
    case SpawnVerdict::kLives: return refuse(asker, still_lives(*key));
    case SpawnVerdict::kFull: return refuse(asker, fail(Code::kBusy, "too many runs"));
  }
  auto pid = static_cast<int>(line.number_or("pid", 0));
  auto start = static_cast<std::uint64_t>(line.number_or("start", 0));
  auto main = pid > 0 ? read_stat(pid) : find_marked(*key);
  // The number may belong to another process by now. A main process leads a session.
  if (main && pid > 0 && (main->start != start || !main->alive())) main.reset();
  if (main && main->sid != main->pid) return refuse(asker, nothing_lives());
  if (main && !may_adopt(main->pid))
    return refuse(asker, fail(Code::kDenied, "its process runs as none of the app users"));
  if (main) {
    pid = main->pid;
    start = main->start;
  }
  Run& run = table_.begin(*key, line.number_or("started_ms", read_clock().wall_ms));
  run.waiting.push_back(asker);
  run.lease_until_ms = line.number_or("lease_until_ms", 0);
  table_.adopted(run, pid, start);
  take_over(run, main.has_value());
  watch_leases();
}

void Runs::take_over(Run& run, bool lives) {
  const std::string base_name = cgroup_base_name(settings_.root);
  run.cgroup = lives ? cgroup_of(run.pid, run.key, base_name) : cgroups_.find_left(run.key);
  if (!lives && trees_.is_empty(run)) {
    const Asker asker = run.waiting.front();
    table_.abandon(run);
    return refuse(asker, nothing_lives());
  }
  if (!run.cgroup.empty()) cgroups_.keep(run.cgroup);
  succeed(run);
  if (!lives) return lost(run.key);
  watch_adopted(run);
  if (stopping_) signal_group(run, SIGINT);
}

void Runs::watch_adopted(const Run& run) {
  adopted_.emplace(run.key, std::make_unique<ProcessWatch>(loop_, run.pid, run.start,
                                                           [this, key = run.key] { lost(key); }));
}

// Its main process has ended, and whoever was its parent then knows how.
void Runs::lost(const RunKey& key) {
  adopted_.erase(key);
  Run* run = table_.find(key);
  if (run == nullptr || !run->lives()) return;
  ExitFacts facts;
  facts.unknown = true;
  end_run(*run, std::move(facts));
  outlet_.quiet();
}

// The agent is not believed: a supervisor with root's powers takes only what those users own whom
// it may start apps as. Where nobody is switched to, the kernel keeps the same border.
bool Runs::may_adopt(int pid) const {
  const auto& users = settings_.app_users;
  if (!settings_.can_switch || users.empty()) return true;
  const auto uid = process_uid(pid);
  return uid && std::any_of(users.begin(), users.end(),
                            [&](const AppUser& user) { return user.uid == *uid; });
}

// The main process of a run whose number nobody has noted: the oldest leader of a session with the
// run's mark.
std::optional<ProcStat> Runs::find_marked(const RunKey& key) const {
  std::optional<ProcStat> oldest;
  for (ProcStat& process : all_processes()) {
    if (process.sid != process.pid || !process.alive()) continue;
    if (oldest && oldest->start <= process.start) continue;
    if (bears_mark(process.pid, key, settings_.root)) oldest = std::move(process);
  }
  return oldest;
}

}  // namespace dm::supervisor
