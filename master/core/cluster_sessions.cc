// What workers say: coming and going, beats, reports, answers.
#include <algorithm>
#include <charconv>

#include "common/names.h"
#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::int64_t kSampleMs = 10'000;
constexpr std::size_t kMostSamples = 360;  // one hour
constexpr std::size_t kMostLabels = 64;

std::optional<double> decimal(const Line& line, std::string_view key) {
  const auto text = line.get(key);
  if (!text) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  const bool sane = error == std::errc() && end == text->data() + text->size() && value >= 0 &&
                    value < 1e9;
  return sane ? std::optional(value) : std::nullopt;
}

bool is_alive_word(std::string_view state) {
  return !state.empty() && state != "dead" && state != "backoff";
}

}  // namespace

struct Cluster::LineRow {
  std::string_view verb;
  LineHandler handler;
};

const Cluster::LineRow Cluster::kLineRows[] = {
    {"HEARTBEAT", &Cluster::on_heartbeat}, {"INSTANCE", &Cluster::on_instance},
    {"EXITED", &Cluster::on_exited},       {"OK", &Cluster::on_answer},
    {"ERR", &Cluster::on_answer},          {"PROGRESS", &Cluster::on_progress},
    {"INFO", &Cluster::on_info},           {"SYNCED", &Cluster::on_synced},
    {"BYE", &Cluster::on_bye},
};

WorkerView* Cluster::view_of(SessionId session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return nullptr;
  const auto view = workers_.find(found->second);
  return view == workers_.end() ? nullptr : &view->second;
}

void Cluster::handle(const SessionOpened& opened, Now now) {
  const auto reject = [&](const Error& error) {
    Line line("ERR");
    line.add("code", word(error.code)).add("msg", error.message);
    out_.push_back(ToSession{opened.session, line});
    out_.push_back(CloseSession{opened.session, error.message});
    say("refused " + opened.name + " from " + opened.address + ": " + error.message, now);
  };
  if (!is_worker_name(opened.name))
    return reject(fail(Code::kBadArg, "a worker's name is a-z 0-9 . _ -, at most 63, not 'all'"));
  const auto known = state_.workers.find(opened.name);
  if (known != state_.workers.end() && known->second.id != opened.id)
    return reject(fail(Code::kExists, "the name " + opened.name +
                                          " belongs to another worker; 'workers forget " +
                                          opened.name + "' frees it"));
  WorkerView& view = workers_[opened.name];
  if (view.session != 0) {
    sessions_.erase(view.session);
    out_.push_back(CloseSession{view.session, "replaced by a new session"});
  }
  view.name = opened.name;
  view.session = opened.session;
  view.address = opened.address;
  view.beaten = view.synced = false;
  view.reported.clear();
  view.next_beat_mono_ms = now.mono_ms + options_.heartbeat_ms;
  if (view.last_beat_mono_ms == 0) view.last_beat_mono_ms = now.mono_ms;
  sessions_[opened.session] = opened.name;
  view.pending_id = opened.id;
  Line welcome("WELCOME");
  welcome.add("cluster", options_.cluster_id).add("epoch", options_.epoch);
  welcome.add("heartbeat_ms", options_.heartbeat_ms).add("missed", 2);
  out_.push_back(ToSession{opened.session, welcome});
}

void Cluster::handle(const SessionLine& event, Now now) {
  WorkerView* view = view_of(event.session);
  if (view == nullptr) return;  // a session that was replaced still had lines on its way
  for (const LineRow& row : kLineRows)
    if (row.verb == event.line.verb()) return (this->*row.handler)(*view, event.line, now);
  Line answer("ERR");
  if (event.line.has("id")) answer.add("id", event.line.text("id"));
  answer.add("code", word(Code::kUnknownVerb)).add("msg", "no verb " + event.line.verb());
  out_.push_back(ToSession{event.session, answer});
}

void Cluster::handle(const SessionClosed& closed, Now now) {
  WorkerView* view = view_of(closed.session);
  if (view == nullptr) return;
  sessions_.erase(closed.session);
  view->session = 0;
  view->synced = false;
  // One that never beat was never a worker: a name that somebody tried.
  if (!state_.workers.contains(view->name)) {
    workers_.erase(std::string(view->name));
    return;
  }
  for (auto& [id, order] : orders_)
    if (order.worker == view->name) order.sent = false;
  if (view->presence != Presence::kUp) return;
  view->presence = Presence::kSuspect;
  ClusterEvent event;
  event.kind = "worker-suspect";
  event.worker = view->name;
  event.text = "worker " + view->name + ": " + closed.why;
  happened(std::move(event), now);
}

void Cluster::on_info(WorkerView& worker, const Line& line, Now) {
  worker.os = line.text("os");
  worker.arch = line.text("arch");
  worker.glibc = line.text("glibc");
  worker.version = line.text("version");
  worker.boot = line.text("boot");
  worker.cpus = std::clamp<std::int64_t>(line.number_or("cpus", 0), 0, 100'000);
  worker.labels.clear();
  for (const std::string& label : line.all("label"))
    if (parse_label(label) && worker.labels.size() < kMostLabels) worker.labels.push_back(label);
}

void Cluster::on_heartbeat(WorkerView& worker, const Line& line, Now now) {
  const bool first = !worker.beaten;
  const bool returns = worker.presence == Presence::kLost;
  worker.beaten = true;
  worker.last_beat_mono_ms = now.mono_ms;
  worker.cpu_percent = decimal(line, "cpu");
  worker.load1 = decimal(line, "load1");
  worker.mem_used_bytes = line.number("mem_used");
  worker.mem_total_bytes = line.number("mem_total");
  worker.disk_free_bytes = line.number("disk_free");
  worker.children_user_ms = line.number_or("children_user_ms", 0);
  worker.children_system_ms = line.number_or("children_system_ms", 0);
  worker.children_max_rss_bytes = line.number_or("children_max_rss_bytes", 0);
  worker.instances = line.number_or("instances", 0);
  worker.placed_since_beat = 0;
  worker.presence = Presence::kUp;
  if (!state_.workers.contains(worker.name)) {
    // HELLO's id came with the session; a worker is known from its first beat on.
    record(Line("WORKER").add("name", worker.name).add("id", worker.pending_id));
  }
  if (first || returns) {
    ClusterEvent event;
    event.kind = "worker-up";
    event.worker = worker.name;
    event.text = "worker " + worker.name + " is up (" + worker.address + ")";
    happened(std::move(event), now);
  }
  if (now.mono_ms - worker.last_sample_mono_ms < kSampleMs) return;
  worker.last_sample_mono_ms = now.mono_ms;
  for (auto& [name, live] : live_) {
    const auto placement = state_.instances.find(name);
    if (placement == state_.instances.end() || placement->second.worker != worker.name) continue;
    if (!live.pid) continue;
    live.samples.push_back(
        {now.wall_ms, live.cpu_user_ms, live.cpu_system_ms, live.rss_bytes, live.cpu_percent});
    if (live.samples.size() > kMostSamples) live.samples.pop_front();
  }
}

void Cluster::on_instance(WorkerView& worker, const Line& line, Now now) {
  const std::string name(line.text("instance"));
  const auto placement = state_.instances.find(name);
  // A worker speaks only for itself.
  if (placement == state_.instances.end() || placement->second.worker != worker.name) {
    if (worker.synced || name.empty()) return;
    say("worker " + worker.name + " names instance " + name + ", of which no record speaks",
        now);
    return;
  }
  worker.reported.insert(name);
  Live& live = live_[name];
  const std::int64_t run = line.number_or("run", 0);
  const bool again = live.run > 0 && run > live.run && line.has("pid");
  live.run = run;
  live.restarts = line.number_or("restarts", 0);
  live.state = line.text("state", "unknown");
  live.pid = line.number("pid");
  live.retry_ms = line.number("retry_ms");
  if (live.pid) {
    live.started_ms = line.number("started_ms");
    live.cpu_user_ms = line.number_or("cpu_user_ms", 0);
    live.cpu_system_ms = line.number_or("cpu_system_ms", 0);
    live.cpu_percent = decimal(line, "cpu_percent").value_or(0);
    live.rss_bytes = line.number_or("rss_bytes", 0);
    live.max_rss_bytes = line.number_or("max_rss_bytes", 0);
  }
  if (!again) return;
  ClusterEvent event;
  event.kind = "started";
  event.worker = worker.name;
  event.instance = name;
  event.app = placement->second.app;
  event.text = name + " runs again on " + worker.name + ": run " + std::to_string(run) + ", pid " +
               std::to_string(live.pid.value_or(0));
  happened(std::move(event), now);
}

void Cluster::on_exited(WorkerView& worker, const Line& line, Now now) {
  const std::string name(line.text("instance"));
  const auto seq = line.number("seq");
  const auto acknowledged = state_.acknowledged.find(worker.name);
  const bool repeated = seq && acknowledged != state_.acknowledged.end() &&
                        *seq <= acknowledged->second;
  const auto placement = state_.instances.find(name);
  const bool ours = placement != state_.instances.end() && placement->second.worker == worker.name;
  if (!repeated && parse_instance_name(name)) {
    Line ended("ENDED");
    ended.add("worker", worker.name);
    for (const auto& [key, value] : line.fields())
      if (key != "worker") ended.add(key, value);
    if (ours || seq) record(ended);
  }
  if (seq) out_.push_back(ToSession{worker.session, Line("ACK").add("seq", *seq)});
  if (repeated || !ours) return;
  Live& live = live_[name];
  const std::int64_t run = line.number_or("run", 0);
  if (run >= live.run) {
    live.run = run;
    live.state = "dead";
    live.pid.reset();
  }
  ClusterEvent event;
  event.kind = "exited";
  event.worker = worker.name;
  event.instance = name;
  event.app = placement->second.app;
  event.text = name + " on " + worker.name + ": " + std::string(line.text("reason"));
  happened(std::move(event), now);
}

// Everything it knows has been said: orders may go out, and what is not as it should be is mended.
void Cluster::on_synced(WorkerView& worker, const Line&, Now now) {
  worker.synced = true;
  for (auto& [id, order] : orders_)
    if (order.worker == worker.name && !order.sent) post(order);
  reconcile(worker, now);
  worker.reported.clear();
}

void Cluster::reconcile(WorkerView& worker, Now now) {
  const auto has_order = [&](const std::string& instance) {
    return std::any_of(orders_.begin(), orders_.end(), [&](const auto& entry) {
      return entry.second.instance == instance && entry.second.kind != OrderKind::kLog;
    });
  };
  const auto waits_for_files = [&](const std::string& instance) {
    return std::any_of(transfers_.begin(), transfers_.end(), [&](const auto& entry) {
      const auto& launches = entry.second.launches;
      return std::find(launches.begin(), launches.end(), instance) != launches.end();
    });
  };
  std::vector<std::string> to_end;
  for (const auto& [name, placement] : state_.instances) {
    if (placement.worker != worker.name || has_order(name) || waits_for_files(name)) continue;
    const bool alive = worker.reported.contains(name) && live_[name].state != "dead";
    if (placement.desired != Desired::kRunning) {
      if (alive) to_end.push_back(name);
    } else if (!worker.reported.contains(name) && !placement.last_end) {
      Line ended("ENDED");
      ended.add("instance", name).add("run", placement.run).add("worker", worker.name);
      ended.add("ended_ms", now.wall_ms);
      record(ended.add("reason", "worker " + worker.name + " has no record of it"));
      live_[name].state = "dead";
    }
  }
  for (const std::string& name : to_end) {
    const bool kills = state_.instances.at(name).desired == Desired::kKilled;
    Order order;
    order.worker = worker.name;
    order.kind = kills ? OrderKind::kKill : OrderKind::kStop;
    order.instance = name;
    order.line = Line(kills ? "KILL" : "STOP").add("instance", name);
    send_order(std::move(order), now);
  }
  const auto deletes = state_.deletes.find(worker.name);
  if (deletes == state_.deletes.end()) return;
  for (const std::string& app : deletes->second) delete_if_still(worker.name, app, now);
}

void Cluster::on_bye(WorkerView& worker, const Line&, Now now) {
  worker.presence = Presence::kLeft;
  ClusterEvent event;
  event.kind = "worker-left";
  event.worker = worker.name;
  event.text = "worker " + worker.name + " said goodbye; its apps go on";
  happened(std::move(event), now);
}

void Cluster::lose(WorkerView& worker, Now now) {
  worker.presence = Presence::kLost;
  if (!state_.workers.contains(worker.name)) return;
  ClusterEvent event;
  event.kind = "worker-lost";
  event.worker = worker.name;
  event.text = "worker " + worker.name + " is lost: no beat for " +
               print_duration(now.mono_ms - worker.last_beat_mono_ms);
  happened(std::move(event), now);
  std::vector<std::string> ids;
  for (const auto& [id, order] : orders_)
    if (order.worker == worker.name) ids.push_back(id);
  for (const std::string& id : ids) {
    auto node = orders_.extract(id);
    if (node.empty()) continue;
    settle(std::move(node.mapped()), Line(),
           fail(Code::kLost, "worker " + worker.name + " is lost"), now);
  }
}

bool Cluster::is_alive(const std::string& instance) const {
  const auto live = live_.find(instance);
  return live != live_.end() && is_alive_word(live->second.state);
}

}  // namespace dm::master
