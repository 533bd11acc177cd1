#include "worker/core/process_tree.h"

#include <unordered_map>

namespace dm::worker {
namespace {

enum class Verdict { kUnknown, kMember, kStranger };

class Judge {
 public:
  Judge(const std::vector<ProcStat>& processes, const TreeRoot& root, const HasMark& has_mark)
      : processes_(processes), root_(root), has_mark_(has_mark), verdicts_(processes.size()) {
    for (std::size_t i = 0; i < processes.size(); ++i) places_[processes[i].pid] = i;
    const auto main = places_.find(root.pid);
    recycled_ = main != places_.end() && processes[main->second].start != root.start;
  }

  // Walks up to the first process whose verdict is known by itself; everything on the way shares
  // that verdict. The walk is bounded: a list read while processes move may hold a circle.
  bool is_member(std::size_t place) {
    std::vector<std::size_t> path;
    Verdict verdict = verdicts_[place];
    while (verdict == Verdict::kUnknown) {
      const ProcStat& process = processes_[place];
      path.push_back(place);
      verdict = by_itself(process);
      if (verdict != Verdict::kUnknown) break;
      const auto parent = places_.find(process.ppid);
      if (parent == places_.end() || path.size() > processes_.size()) {
        verdict = Verdict::kStranger;
        break;
      }
      place = parent->second;
      verdict = verdicts_[place];
    }
    for (std::size_t passed : path) verdicts_[passed] = verdict;
    return verdict == Verdict::kMember;
  }

 private:
  Verdict by_itself(const ProcStat& process) const {
    if (process.pid == root_.pid)
      return process.start == root_.start ? Verdict::kMember : Verdict::kStranger;
    if (process.pid == root_.reaper) return Verdict::kStranger;
    const bool shares = root_.pid > 0 && (process.sid == root_.pid || process.pgid == root_.pid);
    if (shares && !recycled_ && (root_.is_adopted || below_reaper(process)))
      return Verdict::kMember;
    if (root_.is_adopted) return has_mark_(process) ? Verdict::kMember : Verdict::kUnknown;
    if (process.ppid != root_.reaper) return Verdict::kUnknown;
    return has_mark_(process) ? Verdict::kMember : Verdict::kStranger;
  }

  bool below_reaper(const ProcStat& process) const {
    int parent = process.ppid;
    for (std::size_t steps = 0; steps <= processes_.size(); ++steps) {
      if (parent == root_.reaper) return true;
      const auto place = places_.find(parent);
      if (place == places_.end()) return false;
      parent = processes_[place->second].ppid;
    }
    return false;
  }

  const std::vector<ProcStat>& processes_;
  const TreeRoot& root_;
  const HasMark& has_mark_;
  std::vector<Verdict> verdicts_;
  std::unordered_map<int, std::size_t> places_;
  bool recycled_ = false;
};

}  // namespace

std::vector<std::size_t> tree_members(const std::vector<ProcStat>& processes, const TreeRoot& root,
                                      const HasMark& has_mark) {
  Judge judge(processes, root, has_mark);
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < processes.size(); ++i)
    if (judge.is_member(i)) members.push_back(i);
  return members;
}

}  // namespace dm::worker
