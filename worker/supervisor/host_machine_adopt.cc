// The other half of HostMachine: processes that another supervisor began.
#include <algorithm>

#include "worker/core/cgroup_place.h"
#include "worker/io/proc.h"
#include "worker/supervisor/host_machine.h"

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

}  // namespace

Result<std::optional<FoundProcess>> HostMachine::find_main(const RunKey& key, int pid,
                                                           std::uint64_t start) {
  auto main = pid > 0 ? read_stat(pid) : find_marked(key);
  // The number may belong to another process by now. A main process leads a session.
  if (main && pid > 0 && (main->start != start || !main->alive())) main.reset();
  if (!main) return std::optional<FoundProcess>();
  if (main->sid != main->pid) return fail(Code::kNotFound, "nothing of that run lives");
  if (!may_adopt(main->pid))
    return fail(Code::kDenied, "its process runs as none of the app users");
  const std::string base_name = cgroup_base_name(settings_.root);
  return std::optional(FoundProcess{main->pid, main->start, cgroup_of(main->pid, key, base_name)});
}

void HostMachine::watch(const Run& run) {
  watches_.emplace(run.key,
                   std::make_unique<ProcessWatch>(loop_, run.pid, run.start,
                                                  [this, key = run.key] { runs_->lost(key); }));
}

// The agent is not believed: a supervisor with root's powers takes only what those users own whom
// it may start apps as. Where nobody is switched to, the kernel keeps the same border.
bool HostMachine::may_adopt(int pid) const {
  const auto& users = settings_.app_users;
  if (!settings_.can_switch || users.empty()) return true;
  const auto uid = process_uid(pid);
  return uid && std::any_of(users.begin(), users.end(),
                            [&](const AppUser& user) { return user.uid == *uid; });
}

// The main process of a run whose number nobody has noted: the oldest leader of a session with the
// run's mark.
std::optional<ProcStat> HostMachine::find_marked(const RunKey& key) const {
  std::optional<ProcStat> oldest;
  for (ProcStat& process : all_processes()) {
    if (process.sid != process.pid || !process.alive()) continue;
    if (oldest && oldest->start <= process.start) continue;
    if (bears_mark(process.pid, key, settings_.root)) oldest = std::move(process);
  }
  return oldest;
}

}  // namespace dm::supervisor
