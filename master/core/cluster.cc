#include "master/core/cluster.h"

#include <algorithm>
#include <utility>

namespace dm::master {

Cluster::Cluster(ClusterOptions options) : options_(std::move(options)) {
  transfers_.set_listener(launches_);
  recorder_.observe(tails_);
  recorder_.observe(requests_);
}

Status Cluster::replay(const Line& record, std::int64_t seq) {
  return recorder_.replay(record, seq);
}

void Cluster::provide(const std::string& version, Manifest manifest) {
  catalog_.add(version, std::move(manifest));
}

void Cluster::begin(Now now) {
  sessions_.begin(now);
  failover_.begin(now);
  leases_.begin(now);
  requests_.find_left_audits();
  if (!state_.fence.empty()) recorder_.log(state_.fence, now);
  if (state_.any_epoch_below > 0 && state_.any_epoch_below == state_.epoch_number)
    recorder_.log(
        "started with --new-epoch: this journal is the truth, whatever workers have obeyed", now);
}

Effects Cluster::on(const Event& event, Now now) {
  std::visit([&](const auto& e) { handle(e, now); }, event);
  logs_.pursue(now);
  // With what begin() has recorded: a record that took a number must reach the journal.
  return std::exchange(out_, {});
}

std::int64_t Cluster::next_deadline() const {
  if (requests_.has_left_audits()) return 0;
  return std::min({sessions_.deadline(), orders_.deadline(), timers_.earliest(), tails_.deadline(),
                   samples_.deadline(), slices_.deadline()});
}

void Cluster::handle(const Tick&, Now now) {
  requests_.end_left_audits(now);
  sessions_.tick(now);
  slices_.tick(now);
  settlement_.tick(now);
  samples_.tick(now);
  tails_.ask(now);
  failover_.tick(now);
  reconciler_.tick(now);
  retention_.tick(now);
}

// --- commands ---

// The handler of each command, indexed by CommandId.
constexpr Cluster::CommandRow Cluster::kCommandRows[kCommandCount] = {
    {CommandId::kWorkers,
     [](Cluster& it, Request& r, const Command&, Now now) { it.looks_.workers(r, now); }},
    {CommandId::kWorkersForget, [](Cluster& it, Request& r, const Command&,
                                   Now now) { it.worker_commands_.forget_worker(r, now); }},
    {CommandId::kWorkersRename,
     [](Cluster& it, Request& r, const Command&, Now now) { it.worker_commands_.rename(r, now); }},
    {CommandId::kWorkersRevoke,
     [](Cluster& it, Request& r, const Command&, Now now) { it.worker_commands_.revoke(r, now); }},
    {CommandId::kCopy,
     [](Cluster& it, Request& r, const Command& c, Now now) { it.changes_.copy(r, c, now); }},
    {CommandId::kLaunch,
     [](Cluster& it, Request& r, const Command& c, Now now) { it.changes_.launch(r, c, now); }},
    {CommandId::kPs,
     [](Cluster& it, Request& r, const Command&, Now now) { it.looks_.ps(r, now); }},
    {CommandId::kStop, [](Cluster& it, Request& r, const Command&,
                          Now now) { it.stops_.end_instances(r, OrderKind::kStop, now); }},
    {CommandId::kKill, [](Cluster& it, Request& r, const Command&,
                          Now now) { it.stops_.end_instances(r, OrderKind::kKill, now); }},
    {CommandId::kStart,
     [](Cluster& it, Request& r, const Command&, Now now) { it.changes_.start(r, now); }},
    {CommandId::kUsage,
     [](Cluster& it, Request& r, const Command&, Now now) { it.looks_.usage(r, now); }},
    {CommandId::kLogs,
     [](Cluster& it, Request& r, const Command&, Now now) { it.logs_.logs(r, now); }},
    {CommandId::kDelete,
     [](Cluster& it, Request& r, const Command&, Now now) { it.changes_.remove(r, now); }},
    {CommandId::kRm,
     [](Cluster& it, Request& r, const Command&, Now now) { it.retention_.remove(r, now); }},
    {CommandId::kFailover,
     [](Cluster& it, Request& r, const Command&, Now now) { it.looks_.failover(r, now); }},
    {CommandId::kFailoverResume, [](Cluster& it, Request& r, const Command&,
                                    Now now) { it.worker_commands_.resume_failover(r, now); }},
    {CommandId::kEvents, [](Cluster& it, Request& r, const Command&, Now) { it.looks_.events(r); }},
    {CommandId::kHistory,
     [](Cluster& it, Request& r, const Command&, Now now) { it.looks_.history(r, now); }},
    {CommandId::kDescribe,
     [](Cluster& it, Request& r, const Command&, Now now) { it.looks_.describe(r, now); }},
    {CommandId::kNames, [](Cluster& it, Request& r, const Command&, Now) { it.looks_.names(r); }},
    {CommandId::kHelp, [](Cluster& it, Request& r, const Command&, Now) { it.looks_.help(r); }},
    {CommandId::kVersion,
     [](Cluster& it, Request& r, const Command&, Now) { it.looks_.version(r); }},
    // The client leaves by itself; a netcat that says it gets its OK.
    {CommandId::kQuit, [](Cluster&, Request&, const Command&, Now) {}},
};

void Cluster::handle(const Command& command, Now now) {
  static_assert(has_row_for_each_command(kCommandRows));
  Request& request = requests_.add(command);
  const CommandSpec& spec = *command.invocation.command;
  if (spec.reach != Reach::kLooks) requests_.begin_audit(request, now);
  if (spec.reach == Reach::kChanges && !state_.fence.empty())
    requests_.refuse(request, fail(Code::kDenied, state_.fence));
  else
    kCommandRows[index_of(spec.id)].handler(*this, request, command, now);
  if (Request* left = requests_.find(command.request)) requests_.finish_if_done(*left, now);
}

// The work goes on; only nobody hears of it.
void Cluster::handle(const Cancel& cancel, Now now) {
  Request* request = requests_.find(cancel.request);
  if (request == nullptr) return;
  // What is true is told: that it was asked for, and, later, how it went.
  if (requests_.leave(*request, now)) return;
  logs_.cancel(cancel.request);
  // Audited all the same, with what is known of it by now.
  request->waiting = 0;
  request->follows_events = false;
  requests_.finish_if_done(*request, now);
}

// --- the audit trail ---

void Cluster::handle(const HistoryCut& cut, Now) {
  // Another one was quicker, and what it has counted may be counted here too.
  if (cut.from != state_.cuts.before) return;
  if (cut.before > state_.cuts.before) {
    HistoryCuts sums = state_.cuts;
    sums.before = cut.before;
    sums.runs += cut.runs;
    sums.records += cut.records;
    sums.bytes += cut.bytes;
    recorder_.record(print_cuts(sums));
  }
  out_.push_back(DropHistory{state_.cuts.before});
}

// --- what connections ask ---

bool Cluster::may_fetch(const std::string& worker, const std::string& sha256) const {
  return transfers_.may_fetch(worker, sha256);
}

bool Cluster::is_connected(const std::string& worker, const std::string& id) const {
  const WorkerView* view = roster_.find(worker);
  if (view == nullptr || view->session == 0) return false;
  const auto known = state_.workers.find(worker);
  return known == state_.workers.end() || known->second.id == id;
}

std::string Cluster::identity_of(const std::string& id) const {
  const auto known = state_.workers.find(state_.worker_with(id));
  return known == state_.workers.end() ? "" : known->second.identity;
}

std::int64_t Cluster::least_generation(const std::string& name) const {
  return state_.least_generation(name);
}

}  // namespace dm::master
