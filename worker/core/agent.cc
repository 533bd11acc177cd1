#include "worker/core/agent.h"

#include <algorithm>
#include <cstdio>

#include "common/signals.h"

namespace dm::worker {
namespace {

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

// Has the last run that was begun come to its end?
bool has_ended(const Instance& instance) {
  return instance.last_end && instance.last_end->number_or("run", 0) >= instance.run;
}

// What the records mean so far, by the numbers of the runs, however they follow each other: a
// damaged journal is read the same way again from the snapshot that was made of it.
void settle(Instance& instance) {
  if (instance.last_end)
    instance.run = std::max(instance.run, instance.last_end->number_or("run", 0));
  const bool over = instance.run == 0 || has_ended(instance);
  instance.state = over ? RunState::kDown : instance.pid > 0 ? RunState::kUp : RunState::kSpawning;
  instance.exec_error.reset();
  if (over && instance.last_end) instance.exec_error = failed_start_of(*instance.last_end);
}

}  // namespace

Agent::Agent(HostFacts facts, std::uint64_t seed)
    : facts_(std::move(facts)),
      link_(facts_.name, facts_.id, facts_.boot_id, seed),
      random_(seed + 1) {}

Effects Agent::on(const Event& event, Now now) {
  out_.clear();
  std::visit([&](const auto& e) { handle(e, now); }, event);
  return std::move(out_);
}

std::int64_t Agent::next_deadline() const {
  const std::int64_t earliest =
      std::min({link_.next_deadline(), deadlines_.earliest(), hold_.deadline()});
  return link_.is_up() ? std::min({earliest, next_beat_, turns_.next()}) : earliest;
}

void Agent::handle(const MasterLine& event, Now now) {
  if (!link_.is_up()) note_greeting(event.line, now);
  switch (link_.on_line(event.line, now, out_)) {
    case MasterLink::Verdict::kHandled: break;
    case MasterLink::Verdict::kWelcome: greet(now); break;
    case MasterLink::Verdict::kOrder: obey(event.line, now); break;
  }
}

// Everything we know, then SYNCED: from here on the master may give orders.
void Agent::greet(Now now) {
  beat_times_.clear();
  note_beat(0, now);
  Line info("INFO");
  info.add("os", facts_.os).add("arch", facts_.arch).add("cpus", facts_.cpus);
  info.add("mem", facts_.mem_bytes).add("glibc", facts_.glibc).add("version", facts_.version);
  info.add("boot", facts_.boot_id).add("uptime_ms", now.mono_ms - facts_.started_mono_ms);
  for (const std::string& label : facts_.labels) info.add("label", label);
  const bool another = !binding_.cluster.empty() && binding_.cluster != link_.cluster();
  // At once: the next start, perhaps without the option, finds the way to the new master.
  if (another && facts_.join) bind();
  // Said also to a master that is then not obeyed: it learns from it that it is an old copy.
  if (!another) binding_.claim(info);
  if (wants_to_enrol()) info.add("identity", kSealed);
  if (!facts_.cannot_run.empty()) info.add("cannot_run", facts_.cannot_run);
  to_master(info);
  const std::string refusal = binding_.refusal(link_.cluster(), link_.epoch(), facts_.join);
  if (!refusal.empty()) return link_.leave("the master is not obeyed: " + refusal, now, out_);
  note_enrolment();
  let_go(now);
  // What happened first is told first: behind an end its instance may run again.
  for (const Line& end : unacknowledged_) to_master(end);
  for (auto& [name, instance] : instances_) {
    to_master(report(instance, true));
    instance.last_report = report(instance, false).print();
  }
  to_master(Line("SYNCED"));
  out_.push_back(Welcomed{link_.cluster(), link_.heartbeat_ms()});
  // The first one of all waits for its figures, but not for long.
  next_beat_ = host_ ? now.mono_ms : now.mono_ms + link_.heartbeat_ms();
  turns_.hurry(now);
}

void Agent::handle(const Sampled& sampled, Now now) {
  const bool is_first = !host_;
  turns_.taken(sampled.took_ms, link_.heartbeat_ms(), now);
  host_ = sampled.host;
  host_->cpu_percent = cpu_average_.add(now.mono_ms, sampled.host.cpu_percent);
  tell_of_the_disk();
  for (const InstanceSample& sample : sampled.instances) {
    const auto found = instances_.find(sample.instance);
    if (found == instances_.end() || !is_alive(found->second)) continue;
    // Another run has been begun meanwhile: its figures are others.
    if (sample.pid != found->second.pid) continue;
    if (take_sample(found->second, sample, now)) tell(found->second);
  }
  if (!is_first || !link_.is_up()) return;
  next_beat_ = now.mono_ms + link_.heartbeat_ms();
  beat(now);
}

// Once, until there is clearly room again.
void Agent::tell_of_the_disk() {
  if (is_disk_low() && !disk_told_) out_.push_back(Say{disk_low().message});
  disk_told_ = is_disk_low() || (disk_told_ && has_less_than(facts_.disk_floor_percent + 1));
}

// With the figures that were measured last: a /proc or a file system that answers late must not
// make a worker look dead.
void Agent::beat(Now now) {
  const auto alive = std::count_if(instances_.begin(), instances_.end(),
                                   [](const auto& entry) { return is_alive(entry.second); });
  note_beat(++beats_, now);
  Line line("HEARTBEAT");
  line.add("seq", beats_);
  if (host_) {
    line.add("cpu", decimal(host_->cpu_percent));
    line.add("mem_used", host_->mem_used_bytes).add("mem_total", host_->mem_total_bytes);
    line.add("load1", decimal(host_->load1)).add("disk_free", host_->disk_free_bytes);
    line.add("disk_low", is_disk_low() ? 1 : 0);
  }
  line.add("instances", static_cast<std::int64_t>(alive));
  if (host_) {
    line.add("children_user_ms", host_->children_user_ms);
    line.add("children_system_ms", host_->children_system_ms);
    line.add("children_max_rss_bytes", host_->children_max_rss_bytes);
    line.add("children_reaped", host_->children_reaped);
  }
  to_master(line);
}

// Says how an instance is, if that has changed since the master was told.
void Agent::tell(Instance& instance) {
  if (!link_.is_up()) return;
  const Line line = report(instance, false);
  std::string text = line.print();
  if (text == instance.last_report) return;
  instance.last_report = std::move(text);
  to_master(line);
}

void Agent::handle(const Tick&, Now now) {
  link_.on_tick(now, out_);
  if (hold_.deadline() <= now.mono_ms) let_go(now);
  if (link_.is_up() && next_beat_ <= now.mono_ms) {
    next_beat_ = std::max(next_beat_ + link_.heartbeat_ms(), now.mono_ms);
    beat(now);
  }
  if (link_.is_up() && turns_.next() <= now.mono_ms) out_.push_back(turns_.take(instances_, now));
  for (const std::string& name : deadlines_.due(now.mono_ms)) expire(instances_.at(name), now);
}

void Agent::handle(const Leave& leave, Now) {
  if (!link_.is_up()) return;
  Line bye("BYE");
  to_master(leave.stays ? bye.add("stay", 1) : bye);
  out_.push_back(Disconnect{"leaving", true});
}

// --- the journal ---

Status Agent::replay(const Line& record) {
  const std::string& verb = record.verb();
  if (verb == "CLUSTER") {
    binding_ = ClusterBinding::read(record, "id");
  } else if (verb == "SUPERVISOR") {
    supervisor_ = record.text("id");
  } else if (verb == "INSTALLED") {
    installed_[{std::string(record.text("app")), std::string(record.text("manifest"))}] =
        record.text("exe");
  } else if (verb == "REMOVED") {
    const std::string app(record.text("app"));
    std::erase_if(installed_, [&](const auto& entry) { return entry.first.first == app; });
    // Those of one app stand together: APP.N.
    for (auto each = instances_.lower_bound(app + "."); each != instances_.end();) {
      const std::string name = each++->first;
      if (!name.starts_with(app + ".")) break;
      erase(name);
    }
  } else if (verb == "FORGOTTEN") {
    for (const std::string& name : record.all("instance")) erase(name);
  } else if (verb == "INSTANCE") {
    auto spec = parse_spec(record);
    if (!spec) return spec.error();
    Instance& instance = instances_[spec->name];
    instance.spec = *spec;
    instance.wanted = record.text("desired", "running") == "running";
    instance.run = record.number_or("run", 0);
    instance.restarts = record.number_or("restarts", 0);
    settle(instance);
  } else if (verb == "ACKED") {
    acked_ = std::max(acked_, record.number_or("seq", 0));
    next_end_ = std::max(next_end_, acked_ + 1);
    while (!unacknowledged_.empty() && unacknowledged_.front().number_or("seq", 0) <= acked_)
      unacknowledged_.pop_front();
  } else if (verb == "EXITED") {
    replay_end(record);
  } else if (verb == "MENDED") {
    replay_mended();
  } else {
    return replay_run(record);
  }
  return {};
}

// The master is to hear of it even if the instance has been deleted since.
void Agent::replay_end(const Line& record) {
  const std::int64_t seq = record.number_or("seq", 0);
  next_end_ = std::max(next_end_, seq + 1);
  if (seq > acked_) keep_end(record);
  const auto found = instances_.find(std::string(record.text("instance")));
  if (found == instances_.end()) return;
  found->second.last_end = record;
  settle(found->second);
}

// The start of such a run, and its end too, may be what was lost: looked for, never begun again.
void Agent::replay_mended() {
  for (auto& [name, instance] : instances_)
    if (instance.state == RunState::kSpawning)
      instance.supervisor_id = std::string(boot_of(supervisor_)) + "/mended";
}

// In the order of their numbers, each once: a snapshot has them in another, and with them the last
// end of each instance, which may have been dropped.
void Agent::keep_end(const Line& end) {
  const std::int64_t seq = end.number_or("seq", 0);
  const auto place = std::lower_bound(
      unacknowledged_.begin(), unacknowledged_.end(), seq,
      [](const Line& kept, std::int64_t number) { return kept.number_or("seq", 0) < number; });
  if (place == unacknowledged_.end() || place->number_or("seq", 0) != seq)
    unacknowledged_.insert(place, end);
  if (unacknowledged_.size() > kMostEnds) unacknowledged_.pop_front();
}

bool Agent::is_last_end(const Line& end) const {
  const auto found = instances_.find(std::string(end.text("instance")));
  return found != instances_.end() && found->second.last_end &&
         found->second.last_end->number("seq") == end.number("seq");
}

// The records that speak of one run of a known instance.
Status Agent::replay_run(const Line& record) {
  const auto found = instances_.find(std::string(record.text("instance")));
  if (found == instances_.end())
    return fail(Code::kBadLine, "record " + record.verb() + " of an unknown instance");
  Instance& instance = found->second;
  if (record.verb() == "DESIRED") {
    instance.wanted = record.text("desired") == "running";
  } else if (record.verb() == "RUN") {
    instance.run = record.number_or("run", 0);
    instance.restarts = record.number_or("restarts", 0);
    instance.supervisor_id = record.text("supervisor", supervisor_);
    instance.pid = instance.pid_start = instance.started_ms = 0;
  } else if (record.verb() == "STARTED") {
    if (record.number_or("run", 0) != instance.run || has_ended(instance)) return {};
    instance.pid = record.number_or("pid", 0);
    instance.pid_start = record.number_or("start", 0);
    instance.started_ms = record.number_or("started_ms", 0);
    instance.cgroup = record.text("cgroup");
    instance.supervisor_id = record.text("supervisor", supervisor_);
  } else {
    return fail(Code::kBadLine, "unknown record " + record.verb());
  }
  settle(instance);
  return {};
}

std::vector<Line> Agent::snapshot() const {
  std::vector<Line> records;
  if (!binding_.cluster.empty()) records.push_back(binding_.print());
  if (!supervisor_.empty()) records.push_back(Line("SUPERVISOR").add("id", supervisor_));
  for (const auto& [key, exe] : installed_)
    records.push_back(
        Line("INSTALLED").add("app", key.first).add("manifest", key.second).add("exe", exe));
  // Says which of the ends below are acknowledged, and keeps a number from being used twice.
  if (acked_ > 0) records.push_back(Line("ACKED").add("seq", acked_));
  // Behind an instance an end would be taken for its last one.
  for (const Line& end : unacknowledged_)
    if (!is_last_end(end)) records.push_back(end);
  for (const auto& [name, instance] : instances_) {
    records.push_back(instance_record(instance));
    if (instance.last_end) records.push_back(*instance.last_end);
    if (instance.run == 0 || has_ended(instance)) continue;
    Line run = run_record(instance), started = started_record(instance);
    if (instance.supervisor_id != supervisor_)
      for (Line* record : {&run, &started}) record->add("supervisor", instance.supervisor_id);
    records.push_back(std::move(run));
    if (instance.pid > 0) records.push_back(std::move(started));
  }
  return records;
}

}  // namespace dm::worker
