// master/observed/roster.h - the workers as they are right now, by name and by session. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/result.h"
#include "master/observed/worker_view.h"

namespace dm::master {

class Roster {
 public:
  const std::map<std::string, WorkerView>& all() const { return workers_; }
  std::map<std::string, WorkerView>& edit_all() { return workers_; }
  // nullptr for a name that nobody has. Valid until remove().
  const WorkerView* find(const std::string& name) const;
  WorkerView* edit(const std::string& name);
  WorkerView& add(const std::string& name);  // or the one that is there
  void remove(const std::string& name);
  // REQUIRES that `from` is here and `to` is not. Its session is unbound.
  void rename(const std::string& from, const std::string& to);

  // Those that may take new work, the best first. Follows what changes a rank only by rank().
  const std::set<PlacementRank>& ranked() const { return ranked_; }
  void rank(const WorkerView& worker);
  // One more instance goes there. REQUIRES that the worker is here.
  void place_on(const std::string& name);

  // The worker that speaks on this session; nullptr once it was unbound.
  WorkerView* view_of(SessionId session);
  void bind(SessionId session, const std::string& name) { sessions_[session] = name; }
  void unbind(SessionId session) { sessions_.erase(session); }

  // Why a worker cannot be asked for anything; nullopt if it can, if only when it is back.
  std::optional<Error> away(const std::string& name) const;

 private:
  std::map<std::string, WorkerView> workers_;
  std::map<SessionId, std::string> sessions_;
  std::set<PlacementRank> ranked_;
  std::map<std::string, PlacementRank> rank_by_name_;
};

}  // namespace dm::master
