#include "master/state/snapshot.h"

#include <cstdint>
#include <iterator>
#include <utility>

namespace dm::master {

// What stands behind relies on what stands before: an APP names its current version after VERSION
// has, a VERSION would end a HEARD before it, an INSTANCE or INSTALLED would cancel a DELETING
// before it, a REVOKE would lift the fence of a FENCED before it. A RENAMED of the tail finds its
// worker only under the name that stands here.
const SnapshotWalk::Section SnapshotWalk::kSections[] = {
    &SnapshotWalk::cluster,   &SnapshotWalk::asked,     &SnapshotWalk::generations,
    &SnapshotWalk::workers,   &SnapshotWalk::witnesses, &SnapshotWalk::versions,
    &SnapshotWalk::installed, &SnapshotWalk::apps,      &SnapshotWalk::heard,
    &SnapshotWalk::instances, &SnapshotWalk::deletes,   &SnapshotWalk::acknowledged,
    &SnapshotWalk::held,
};

bool SnapshotWalk::is_done() const {
  return section_ == std::size(kSections);
}

std::vector<Line> SnapshotWalk::next(const State& state, std::size_t most) {
  most_ = most;
  while (!is_done() && !is_full()) {
    // In a variable of its own: GCC 12's sanitizer reads an index of its own making otherwise.
    const Section walk_section = kSections[section_];
    if (!(this->*walk_section)(state)) break;
    ++section_;
    begun_ = false;
    key_.clear();
    member_.clear();
  }
  return std::exchange(records_, {});
}

// The entries behind the last one, each by `print`, until the slice is full. What came in front of
// the last one meanwhile is left to its own record.
template <typename Map, typename Print>
bool SnapshotWalk::walk(const Map& map, Print print) {
  for (auto at = begun_ ? map.upper_bound(key_) : map.begin(); at != map.end(); ++at) {
    if (is_full()) return false;
    print(at->first, at->second);
    begun_ = true;
    key_ = at->first;
  }
  return true;
}

// Likewise the members of the set that each entry has.
template <typename Map, typename Members, typename Print>
bool SnapshotWalk::walk_members(const Map& map, Members members, Print print) {
  for (auto at = begun_ ? map.lower_bound(key_) : map.begin(); at != map.end(); ++at) {
    const std::set<std::string>& set = members(at->second);
    const bool resumes = begun_ && at->first == key_;
    for (auto each = resumes ? set.upper_bound(member_) : set.begin(); each != set.end(); ++each) {
      if (is_full()) return false;
      print(at->first, at->second, *each);
      begun_ = true;
      key_ = at->first;
      member_ = *each;
    }
  }
  return true;
}

// Bounded by kMostEpochs, and changed at a start only: one slice.
bool SnapshotWalk::cluster(const State& state) {
  if (!state.cluster_id.empty()) records_.push_back(Line("CLUSTER").add("id", state.cluster_id));
  for (const auto& [number, id] : state.epochs) {
    Line line("EPOCH");
    line.add("number", number).add("id", id);
    if (number == state.any_epoch_below) line.add("new", 1);
    records_.push_back(std::move(line));
  }
  if (state.cuts.before > 0) records_.push_back(print_cuts(state.cuts));
  return true;
}

bool SnapshotWalk::asked(const State& state) {
  return walk(state.asked, [&](const std::string& number, const AskedCommand& command) {
    records_.push_back(print_asked(number, command));
  });
}

bool SnapshotWalk::generations(const State& state) {
  return walk(state.generations, [&](const std::string& name, std::int64_t generation) {
    records_.push_back(Line("REVOKE").add("name", name).add("generation", generation));
  });
}

bool SnapshotWalk::witnesses(const State& state) {
  return walk(state.witnesses, [&](const std::string& worker, const std::string& why) {
    records_.push_back(Line("FENCED").add("worker", worker).add("why", why));
  });
}

bool SnapshotWalk::workers(const State& state) {
  return walk(state.workers, [&](const std::string& name, const KnownWorker& worker) {
    records_.push_back(print_worker(name, worker));
  });
}

bool SnapshotWalk::versions(const State& state) {
  return walk(state.versions, [&](const std::string& sha256, const Version& version) {
    Line line("VERSION");
    line.add("app", version.app).add("manifest", sha256).add("at", version.registered_ms);
    records_.push_back(std::move(line));
  });
}

bool SnapshotWalk::installed(const State& state) {
  const auto members = [](const Version& version) -> const auto& {
    return version.sent_to;
  };
  return walk_members(
      state.versions, members,
      [&](const std::string& sha256, const Version& version, const std::string& worker) {
        Line line(version.installed_on.contains(worker) ? "INSTALLED" : "INSTALLING");
        line.add("app", version.app).add("manifest", sha256).add("worker", worker);
        records_.push_back(std::move(line));
      });
}

bool SnapshotWalk::apps(const State& state) {
  return walk(state.apps, [&](const std::string& name, const App& app) {
    Line line("APP");
    line.add("app", name).add("next", app.next_number);
    if (!app.current.empty()) line.add("manifest", app.current);
    records_.push_back(std::move(line));
  });
}

bool SnapshotWalk::heard(const State& state) {
  return walk(state.heard, [&](const std::string& name, const HeardApp& app) {
    Line line("HEARD");
    line.add("app", name).add("worker", app.worker).add("next", app.next_number);
    records_.push_back(std::move(line));
  });
}

bool SnapshotWalk::instances(const State& state) {
  return walk(state.instances, [&](const std::string& name, const Placement& placement) {
    records_.push_back(print_placement(name, placement));
    if (placement.last_end) records_.push_back(print_end(name, *placement.last_end));
  });
}

bool SnapshotWalk::deletes(const State& state) {
  const auto members = [](const std::set<std::string>& apps) -> const auto& {
    return apps;
  };
  return walk_members(state.deletes, members,
                      [&](const std::string& worker, const auto&, const std::string& app) {
                        records_.push_back(Line("DELETING").add("app", app).add("worker", worker));
                      });
}

bool SnapshotWalk::acknowledged(const State& state) {
  return walk(state.acknowledged, [&](const std::string& worker, std::int64_t seq) {
    records_.push_back(Line("ACKED").add("worker", worker).add("seq", seq));
  });
}

bool SnapshotWalk::held(const State& state) {
  return walk(state.held, [&](const std::string& instance, std::int64_t lease_ms) {
    records_.push_back(print_lease(instance, lease_ms));
  });
}

std::vector<Line> snapshot(const State& state) {
  SnapshotWalk walk;
  return walk.next(state, SIZE_MAX);
}

}  // namespace dm::master
