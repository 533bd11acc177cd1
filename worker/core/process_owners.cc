#include "worker/core/process_owners.h"

#include <string_view>
#include <unordered_map>

namespace dm::worker {
namespace {

using Owner = std::optional<std::size_t>;

class Owners {
 public:
  Owners(const std::vector<ProcStat>& processes, const std::vector<RunRoot>& roots, int reaper,
         const ReadMark& read_mark)
      : processes_(processes), reaper_(reaper), read_mark_(read_mark) {
    for (std::size_t i = 0; i < processes.size(); ++i) place_[processes[i].pid] = i;
    for (std::size_t i = 0; i < roots.size(); ++i) {
      by_name_[roots[i].instance] = i;
      // A number that belongs to another process by now says nothing about sessions and groups.
      const auto found = place_.find(roots[i].pid);
      if (found == place_.end() || processes[found->second].start == roots[i].start)
        by_pid_[roots[i].pid] = i;
    }
  }

  std::vector<Owner> all() {
    owners_.assign(processes_.size(), std::nullopt);
    known_.assign(processes_.size(), false);
    for (std::size_t i = 0; i < processes_.size(); ++i) find(i);
    return std::move(owners_);
  }

 private:
  // Climbs to the first ancestor whose run is known, then tells everybody on the way.
  void find(std::size_t from) {
    std::vector<std::size_t> way;
    Owner owner;
    for (std::size_t at = from;;) {
      if (known_[at]) {
        owner = owners_[at];
        break;
      }
      known_[at] = true;  // now already: parents read at different moments could form a ring
      way.push_back(at);
      owner = own(processes_[at]);
      const auto parent = place_.find(processes_[at].ppid);
      if (owner || processes_[at].ppid == reaper_ || parent == place_.end()) break;
      at = parent->second;
    }
    for (std::size_t at : way) owners_[at] = owner;
  }

  // What the process itself says, its parent left aside.
  Owner own(const ProcStat& process) const {
    for (int number : {process.pid, process.sid, process.pgid})
      if (const auto found = by_pid_.find(number); found != by_pid_.end()) return found->second;
    if (process.ppid != reaper_) return std::nullopt;
    const auto found = by_name_.find(read_mark_(process));
    return found == by_name_.end() ? Owner() : Owner(found->second);
  }

  const std::vector<ProcStat>& processes_;
  int reaper_;
  const ReadMark& read_mark_;
  std::unordered_map<int, std::size_t> place_;
  std::unordered_map<int, std::size_t> by_pid_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::vector<Owner> owners_;
  std::vector<bool> known_;
};

}  // namespace

std::vector<Owner> owners_of(const std::vector<ProcStat>& processes,
                             const std::vector<RunRoot>& roots, int reaper,
                             const ReadMark& read_mark) {
  return Owners(processes, roots, reaper, read_mark).all();
}

}  // namespace dm::worker
