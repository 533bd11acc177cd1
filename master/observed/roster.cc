#include "master/observed/roster.h"

#include <utility>

#include "common/check.h"

namespace dm::master {

const WorkerView* Roster::find(const std::string& name) const {
  const auto found = workers_.find(name);
  return found == workers_.end() ? nullptr : &found->second;
}

WorkerView* Roster::edit(const std::string& name) {
  const auto found = workers_.find(name);
  return found == workers_.end() ? nullptr : &found->second;
}

WorkerView& Roster::add(const std::string& name) {
  WorkerView& view = workers_[name];
  view.name = name;
  return view;
}

void Roster::rank(const WorkerView& worker) {
  if (const auto old = rank_by_name_.find(worker.name); old != rank_by_name_.end()) {
    ranked_.erase(old->second);
    rank_by_name_.erase(old);
  }
  if (worker.presence != Presence::kUp || !worker.synced || worker.cordoned) return;
  const PlacementRank rank = rank_of(worker);
  ranked_.insert(rank);
  rank_by_name_.emplace(worker.name, rank);
}

void Roster::place_on(const std::string& name) {
  DM_CHECK(workers_.contains(name));
  WorkerView& worker = workers_.at(name);
  ++worker.placed_since_beat;
  rank(worker);
}

void Roster::remove(const std::string& name) {
  if (const auto rank = rank_by_name_.extract(name)) ranked_.erase(rank.mapped());
  workers_.erase(name);
}

void Roster::rename(const std::string& from, const std::string& to) {
  if (const auto rank = rank_by_name_.extract(from)) ranked_.erase(rank.mapped());
  auto node = workers_.extract(from);
  unbind(node.mapped().session);
  node.mapped().session = 0;
  node.mapped().synced = false;
  node.mapped().name = to;
  node.key() = to;
  workers_.insert(std::move(node));
}

WorkerView* Roster::view_of(SessionId session) {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : edit(found->second);
}

std::optional<Error> Roster::away(const std::string& name) const {
  const WorkerView* view = find(name);
  if (view == nullptr) return fail(Code::kLost, "worker " + name + " is not known");
  switch (view->presence) {
    case Presence::kLost: return fail(Code::kLost, "worker " + name + " is lost");
    case Presence::kLeft: return fail(Code::kLost, "worker " + name + " has left");
    case Presence::kUp:
    case Presence::kSuspect: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace dm::master
