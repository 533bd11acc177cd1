// What workers say: coming and going, beats, reports, answers.
#include <algorithm>
#include <charconv>

#include "common/names.h"
#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostLabels = 64;
constexpr std::size_t kMostState = 32;  // bytes
constexpr std::size_t kMostEpoch = 64;

std::optional<double> decimal(const Line& line, std::string_view key) {
  const auto text = line.get(key);
  if (!text) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  const bool sane =
      error == std::errc() && end == text->data() + text->size() && value >= 0 && value < 1e9;
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
    {"HEARTBEAT", &Cluster::on_heartbeat},
    {"INSTANCE", &Cluster::on_instance},
    {"EXITED", &Cluster::on_exited},
    {"OK", &Cluster::on_answer},
    {"ERR", &Cluster::on_answer},
    {"PROGRESS", &Cluster::on_progress},
    {"INFO", &Cluster::on_info},
    {"SYNCED", &Cluster::on_synced},
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
    handle(TurnedAway{opened.address, opened.name, error.message}, now);
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
  // Whatever went to an earlier session may never have arrived.
  for (auto& [number, order] : orders_)
    if (order.worker == opened.name) order.sent = false;
  view.name = opened.name;
  view.session = opened.session;
  view.address = opened.address;
  view.beaten = view.synced = false;
  view.beats_heard = 0;
  view.reported.clear();
  view.owed_ack = 0;  // it tells these again
  view.foreign.clear();
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
  if (!is_known(view->name)) {
    workers_.erase(std::string(view->name));
    return;
  }
  if (view->presence != Presence::kUp) return;
  view->presence = Presence::kSuspect;
  ClusterEvent event;
  event.kind = "worker-suspect";
  event.text = "worker " + view->name + ": " + closed.why;
  happened_at(*view, std::move(event), now);
}

// Of what it can bring about as often as it likes. The ends of what is ours are not among these.
void Cluster::happened_at(WorkerView& worker, ClusterEvent event, Now now) {
  tell_left_out(worker, now);
  if (!worker.notices.take(now.mono_ms)) return;
  event.worker = worker.name;
  if (event.kind == "notice") out_.push_back(Say{event.text});
  happened(std::move(event), now);
}

void Cluster::tell_left_out(WorkerView& worker, Now now) {
  const std::int64_t count = worker.notices.refused(now.mono_ms);
  if (count > 0)
    say("worker " + worker.name + ": " + std::to_string(count) + " events were left out", now);
}

void Cluster::on_info(WorkerView& worker, const Line& line, Now now) {
  check_epoch(worker, line, now);
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

// A worker that obeyed a start of ours that we know nothing of has seen our future: our journal is
// an old copy, and what we would order might undo what was promised since.
void Cluster::check_epoch(const WorkerView& worker, const Line& info, Now now) {
  const std::string epoch(info.text("epoch"));
  if (epoch.empty() || state_.knows_epoch(epoch) || !state_.fence.empty()) return;
  const std::string why =
      "worker " + worker.name + " has obeyed epoch " + epoch.substr(0, kMostEpoch) +
      ", of which this journal knows nothing: it is an old copy, and no orders are given; start "
      "dm-master with --new-epoch if this journal is the newer one all the same; if " +
      worker.name + " is not to be believed, 'workers revoke " + worker.name + "' first";
  record(Line("FENCED").add("at", now.wall_ms).add("why", why));
  say(why, now);
}

void Cluster::on_heartbeat(WorkerView& worker, const Line& line, Now now) {
  const bool first = !worker.beaten;
  const bool returns = worker.presence == Presence::kLost || worker.presence == Presence::kLeft;
  worker.beaten = true;
  worker.last_beat_mono_ms = now.mono_ms;
  worker.cpu_percent = decimal(line, "cpu");
  worker.load1 = decimal(line, "load1");
  worker.mem_used_bytes = figure(line, "mem_used");
  worker.mem_total_bytes = figure(line, "mem_total");
  worker.disk_free_bytes = figure(line, "disk_free");
  worker.disk_low = line.number_or("disk_low", 0) != 0;
  worker.children_user_ms = figure(line, "children_user_ms").value_or(0);
  worker.children_system_ms = figure(line, "children_system_ms").value_or(0);
  worker.children_max_rss_bytes = figure(line, "children_max_rss_bytes").value_or(0);
  worker.children_reaped = figure(line, "children_reaped");
  worker.instances = figure(line, "instances").value_or(0);
  worker.placed_since_beat = 0;
  worker.beats_heard = figure(line, "seq").value_or(0);
  worker.presence = Presence::kUp;
  grant_leases(worker, worker.beats_heard, now);
  if (!is_known(worker.name)) {
    // HELLO's id came with the session; a worker is known from its first beat on.
    record(Line("WORKER").add("name", worker.name).add("id", worker.pending_id));
    if (worker.synced) learn_numbers(worker, now);
  }
  if (first || returns) {
    ClusterEvent event;
    event.kind = "worker-up";
    event.text = "worker " + worker.name + " is up (" + worker.address + ")";
    happened_at(worker, std::move(event), now);
  }
  if (first) tell_foreign(worker, now);
  // The session outlived the silence: there will be no SYNCED.
  if (!returns || !worker.synced) return;
  mend(worker.name, now);
  want_missing_tails(worker, now);
}

void Cluster::on_instance(WorkerView& worker, const Line& line, Now now) {
  const std::string name(line.text("instance"));
  const auto placement = state_.instances.find(name);
  // A worker speaks only for itself.
  if (placement == state_.instances.end() || placement->second.worker != worker.name) {
    return on_foreign(worker, name, line);
  }
  worker.reported.insert(name);
  Live& live = live_[name];
  const std::int64_t run = figure(line, "run").value_or(0);
  live.wanted = line.text("desired", "running") == "running";
  live.run = run;
  live.restarts = figure(line, "restarts").value_or(0);
  live.state = line.text("state", "unknown").substr(0, kMostState);
  live.pid = figure(line, "pid");
  live.retry_ms = figure(line, "retry_ms");
  if (live.pid) {
    live.started_ms = figure(line, "started_ms");
    live.cpu_user_ms = figure(line, "cpu_user_ms").value_or(0);
    live.cpu_system_ms = figure(line, "cpu_system_ms").value_or(0);
    live.cpu_percent = decimal(line, "cpu_percent").value_or(0);
    live.rss_bytes = figure(line, "rss_bytes").value_or(0);
    live.max_rss_bytes = figure(line, "max_rss_bytes").value_or(0);
  }
  if (!worker.synced) adopt_launch(name, live, now);
  // A launch that came true after it was given up, a stop that got lost.
  const Desired desired = placement->second.desired;
  const bool strays = desired != Desired::kRunning && live.wanted && live.state != "dead";
  if (strays && worker.synced && !has_order(name))
    send_end(name, desired == Desired::kKilled ? OrderKind::kKill : OrderKind::kStop, now);
  note_revival(name, live, now);
}

// It waits for us to hang up, so that BYE is not lost; what it says behind that is not heard.
void Cluster::on_bye(WorkerView& worker, const Line&, Now now) {
  const SessionClosed closed{worker.session, "it said goodbye"};
  if (is_known(worker.name)) {
    worker.presence = Presence::kLeft;
    worker.away_since_mono_ms = now.mono_ms;
    ClusterEvent event;
    event.kind = "worker-left";
    event.text = "worker " + worker.name + " said goodbye";
    const bool lives = std::any_of(live_.begin(), live_.end(), [&](const auto& entry) {
      const auto placement = state_.instances.find(entry.first);
      return entry.second.pid && placement != state_.instances.end() &&
             placement->second.worker == worker.name;
    });
    if (lives) event.text += "; its apps go on";
    happened_at(worker, std::move(event), now);
    give_up_orders(worker.name, fail(Code::kLost, "worker " + worker.name + " has left"), now);
  }
  out_.push_back(CloseSession{closed.session, closed.why});
  handle(closed, now);
}

void Cluster::lose(WorkerView& worker, Now now) {
  worker.presence = Presence::kLost;
  worker.away_since_mono_ms = now.mono_ms;
  if (!is_known(worker.name)) return;
  ClusterEvent event;
  event.kind = "worker-lost";
  event.worker = worker.name;
  const std::int64_t silent_ms = now.mono_ms - worker.last_beat_mono_ms;
  event.text = "worker " + worker.name + " is lost: no beat for " +
               (silent_ms < 1000 ? std::to_string(silent_ms) + "ms" : print_duration(silent_ms));
  happened(std::move(event), now);
  give_up_orders(worker.name, fail(Code::kLost, "worker " + worker.name + " is lost"), now);
}

std::optional<Error> Cluster::away(const std::string& worker) const {
  const auto view = workers_.find(worker);
  if (view == workers_.end()) return fail(Code::kLost, "worker " + worker + " is not known");
  switch (view->second.presence) {
    case Presence::kLost: return fail(Code::kLost, "worker " + worker + " is lost");
    case Presence::kLeft: return fail(Code::kLost, "worker " + worker + " has left");
    case Presence::kUp:
    case Presence::kSuspect: return std::nullopt;
  }
  return std::nullopt;
}

bool Cluster::is_alive(const std::string& instance) const {
  const auto live = live_.find(instance);
  return live != live_.end() && is_alive_word(live->second.state);
}

}  // namespace dm::master
