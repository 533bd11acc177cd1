#include "master/core/leases.h"

#include <vector>

#include "common/check.h"
#include "master/decide/fence.h"

namespace dm::master {
namespace {

// Beyond the lease itself: a kill takes a moment, and clocks do not run alike.
std::int64_t margin_ms(std::int64_t lease_ms) {
  return 1000 + lease_ms / 20;
}

}  // namespace

void Leases::begin(Now now) {
  for (const auto& [name, placement] : state_.instances)
    if (placement.lease_ms > 0) note(name, placement.lease_ms, now);
  for (const auto& [name, lease_ms] : state_.held) note(name, lease_ms, now);
}

void Leases::note(const std::string& name, std::int64_t lease_ms, Now now) {
  table_.set(name, now.mono_ms + lease_ms + margin_ms(lease_ms));
}

void Leases::hold(const std::string& name, Now now) {
  DM_CHECK(state_.instances.contains(name));
  const std::int64_t lease_ms = state_.instances.at(name).lease_ms;
  if (lease_ms > 0 && table_.left_ms(name, now) > 0) recorder_.record(print_lease(name, lease_ms));
}

// Those that nobody waits for any more.
void Leases::drop(Now now) {
  std::vector<std::string> over;
  for (const auto& [name, lease_ms] : state_.held)
    if (table_.left_ms(name, now) == 0) over.push_back(name);
  for (const std::string& name : over) recorder_.record(print_lease(name, 0));
  over.clear();
  for (const auto& [name, until] : table_.all())
    if (until <= now.mono_ms && !state_.instances.contains(name)) over.push_back(name);
  for (const std::string& name : over) table_.erase(name);
}

// `beat` is older than this moment, and the worker counts from when it sent it: whatever happens to
// our line on its way, the lease ends there before we think it does.
void Leases::grant(const WorkerView& worker, std::int64_t beat, Now now) {
  if (worker.session == 0 || !worker.synced || beat == 0) return;
  if (table_.all().empty() && state_.held.empty()) return;
  drop(now);
  Line line("LEASE");
  line.add("beat", beat);
  std::vector<std::string> granted;
  for (const auto& [name, until] : table_.all()) {
    const auto found = state_.instances.find(name);
    if (found == state_.instances.end() || found->second.worker != worker.name) continue;
    if (!is_renewed(state_, reports_, name)) continue;
    line.add("instance", name);
    granted.push_back(name);
  }
  for (const std::string& name : granted) note(name, state_.instances.at(name).lease_ms, now);
  if (!granted.empty()) out_.push_back(ToSession{worker.session, line});
}

}  // namespace dm::master
