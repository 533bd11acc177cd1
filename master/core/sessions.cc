#include "master/core/sessions.h"

#include <algorithm>
#include <utility>

#include "common/names.h"
#include "common/units.h"
#include "master/decide/identity.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostLabels = 64;

}  // namespace

struct Sessions::LineRow {
  std::string_view verb;
  void (Sessions::*handler)(WorkerView&, const Line&, Now);
};

constexpr Sessions::LineRow Sessions::kLineRows[] = {
    {"HEARTBEAT", &Sessions::on_heartbeat},
    {"INSTANCE", &Sessions::on_instance},
    {"EXITED", &Sessions::on_exited},
    {"OK", &Sessions::on_answer},
    {"ERR", &Sessions::on_answer},
    {"PROGRESS", &Sessions::on_progress},
    {"INFO", &Sessions::on_info},
    {"SYNCED", &Sessions::on_synced},
    {"BYE", &Sessions::on_bye},
};

Sessions::Sessions(const Parts& parts)
    : options_(parts.options),
      recorder_(parts.recorder),
      roster_(parts.roster),
      reports_(parts.reports),
      orders_(parts.orders),
      leases_(parts.leases),
      run_ends_(parts.run_ends),
      launches_(parts.launches),
      reconciler_(parts.reconciler),
      failover_(parts.failover),
      settlement_(parts.settlement),
      seals_(parts.seals),
      fence_(parts.fence),
      records_(parts.records),
      exits_(parts.exits),
      unrecorded_(parts.unrecorded),
      worker_events_(parts.worker_events),
      peers_(parts.peers),
      tails_(parts.tails),
      timers_(parts.timers),
      facts_(parts.facts),
      state_(parts.facts.state),
      out_(parts.out) {}

void Sessions::handle(const SessionOpened& opened, Now now) {
  const auto reject = [&](const Error& error) {
    Line line("ERR");
    line.add("code", word(error.code)).add("msg", error.message);
    out_.push_back(ToSession{opened.session, line});
    out_.push_back(CloseSession{opened.session, error.message});
    peers_.turned_away({opened.address, opened.name, error.message}, now);
  };
  const WorkerClaim claim{opened.name, opened.id, opened.boot, opened.has_key,
                          opened.is_identified};
  const Introduction met = introduce(facts_, claim, now, options_.heartbeat_ms);
  if (met.error) return reject(*met.error);
  if (!met.former.empty()) rename(met.former, opened.name, now);
  WorkerView& view = roster_.add(opened.name);
  if (view.session != 0) tell_replaced(view, opened, now);
  orders_.session_opened(opened.name);
  view.session = opened.session;
  view.address = opened.address;
  view.beaten = view.synced = false;
  view.beats_heard = 0;
  view.reported.clear();
  view.owed_ack = 0;  // it tells these again
  view.foreign.clear();
  view.next_beat_mono_ms = now.mono_ms + options_.heartbeat_ms;
  if (view.last_beat_mono_ms == 0) view.last_beat_mono_ms = now.mono_ms;
  roster_.bind(opened.session, opened.name);
  view.pending_id = opened.id;
  view.pending_identity.clear();
  view.identity_pad = met.enrolls ? opened.identity_pad : "";
  if (!opened.boot.empty()) view.boot = opened.boot;
  Line welcome("WELCOME");
  welcome.add("cluster", options_.cluster_id).add("epoch", options_.epoch);
  welcome.add("heartbeat_ms", options_.heartbeat_ms).add("missed", 2);
  seals_.add_to(welcome);
  if (opened.has_key && !opened.id.empty())
    welcome.add("identity", met.enrolls ? "enroll" : "known");
  out_.push_back(ToSession{opened.session, welcome});
  roster_.rank(view);
  schedule(view);
}

// The same machine that was quicker than the end of its old connection; or two agents of one id
// that take the session from each other in turn, which nobody would see otherwise.
void Sessions::tell_replaced(WorkerView& view, const SessionOpened& opened, Now now) {
  roster_.unbind(view.session);
  out_.push_back(CloseSession{view.session, "replaced by a new session"});
  if (view.presence != Presence::kUp) return;
  ClusterEvent event;
  event.kind = "notice";
  event.text = "worker " + view.name + ": a session from " + opened.address +
               " replaces the one from " + view.address + ", which was up";
  worker_events_.emit(view, std::move(event), now);
}

// What is on its way for it names it; it is decided again once the worker has told all it knows.
void Sessions::rename(const std::string& from, const std::string& to, Now now) {
  settlement_.give_up(from, fail(Code::kLost, "worker " + from + " is called " + to + " now"), now);
  for (const std::string& name : {from, to}) {
    const WorkerView* view = roster_.find(name);
    if (view == nullptr || view->session == 0) continue;
    out_.push_back(CloseSession{view->session, "worker " + from + " is called " + to + " now"});
    roster_.unbind(view->session);
  }
  if (roster_.find(to) != nullptr) roster_.remove(to);
  recorder_.record(print_rename(from, to, state_.workers.at(from)));
  roster_.rename(from, to);
  ClusterEvent event;
  event.kind = "worker-renamed";
  event.worker = to;
  event.text = "worker " + from + " is called " + to + " from now on";
  recorder_.emit(std::move(event), now);
  schedule(*roster_.find(to));
  failover_.look_again();
}

void Sessions::handle(const SessionLine& event, Now now) {
  WorkerView* view = roster_.view_of(event.session);
  if (view == nullptr) return;  // a session that was replaced still had lines on its way
  for (const LineRow& row : kLineRows)
    if (row.verb == event.line.verb()) return (this->*row.handler)(*view, event.line, now);
  Line answer("ERR");
  if (event.line.has("id")) answer.add("id", event.line.text("id"));
  answer.add("code", word(Code::kUnknownVerb)).add("msg", "no verb " + event.line.verb());
  out_.push_back(ToSession{event.session, answer});
}

void Sessions::handle(const SessionClosed& closed, Now now) {
  WorkerView* view = roster_.view_of(closed.session);
  if (view == nullptr) return;
  roster_.unbind(closed.session);
  view->session = 0;
  view->synced = false;
  // One that never beat was never a worker: a name that somebody tried.
  if (!state_.knows_worker(view->name)) {
    roster_.remove(std::string(view->name));
    return;
  }
  roster_.rank(*view);
  schedule(*view);
  if (view->presence != Presence::kUp) return;
  view->presence = Presence::kSuspect;
  ClusterEvent event;
  event.kind = "worker-suspect";
  event.text = "worker " + view->name + ": " + closed.why;
  worker_events_.emit(*view, std::move(event), now);
  failover_.look_again();
}

void Sessions::restart_all(const std::string& why, Now now) {
  std::vector<SessionClosed> all;
  for (const auto& [name, view] : roster_.all())
    if (view.session != 0) all.push_back({view.session, why});
  for (const SessionClosed& closed : all) {
    out_.push_back(CloseSession{closed.session, closed.why});
    handle(closed, now);
  }
}

void Sessions::on_info(WorkerView& worker, const Line& line, Now now) {
  fence_.hear(worker, line, now);
  records_.enroll(worker, line);
  parse_info(line, worker);
  worker.cpus = std::clamp<std::int64_t>(line.number_or("cpus", 0), 0, 100'000);
  roster_.rank(worker);
  worker.labels.clear();
  for (const std::string& label : line.all("label"))
    if (parse_label(label) && worker.labels.size() < kMostLabels) worker.labels.push_back(label);
}

void Sessions::read_beat(WorkerView& worker, const Line& line, Now now) {
  worker.beaten = true;
  worker.last_beat_mono_ms = now.mono_ms;
  parse_beat(line, worker);
  worker.placed_since_beat = 0;
  worker.presence = Presence::kUp;
  worker.stays = false;
}

void Sessions::on_heartbeat(WorkerView& worker, const Line& line, Now now) {
  const bool first = !worker.beaten;
  const bool returns = worker.presence == Presence::kLost || worker.presence == Presence::kLeft;
  read_beat(worker, line, now);
  leases_.grant(worker, worker.beats_heard, now);
  if (!state_.knows_worker(worker.name)) {
    // HELLO's id came with the session; a worker is known from its first beat on.
    records_.know(worker);
    if (worker.synced) unrecorded_.learn_numbers(worker, now);
  }
  records_.note_stay(worker.name, 0);
  worker.recorded = state_.running_on(worker.name);
  roster_.rank(worker);
  if (first || returns) {
    ClusterEvent event;
    event.kind = "worker-up";
    event.text = "worker " + worker.name + " is up (" + worker.address + ")";
    worker_events_.emit(worker, std::move(event), now);
    failover_.look_again();
  }
  if (first) unrecorded_.tell(worker, now);
  // The session outlived the silence: there will be no SYNCED.
  if (!returns || !worker.synced) return;
  reconciler_.reconcile(worker.name, now);
  tails_.want_missing(worker, now);
}

void Sessions::on_instance(WorkerView& worker, const Line& line, Now now) {
  const std::string name(line.text("instance"));
  const auto placement = state_.instances.find(name);
  // A worker speaks only for itself.
  if (placement == state_.instances.end() || placement->second.worker != worker.name) {
    return unrecorded_.hear(worker, name, line);
  }
  worker.reported.insert(name);
  Live& live = reports_.edit(name);
  parse_report(line, live);
  if (!worker.synced) launches_.adopt(name, live, now);
  if (worker.synced) reconciler_.check_stray(name, live, now);
  launches_.note_revival(name, live, now);
}

// It waits for us to hang up, so that BYE is not lost; what it says behind that is not heard.
void Sessions::on_bye(WorkerView& worker, const Line& line, Now now) {
  const SessionClosed closed{worker.session, "it said goodbye"};
  if (state_.knows_worker(worker.name)) {
    worker.stays = line.number_or("stay", 0) != 0;
    if (worker.stays) records_.note_stay(worker.name, now.wall_ms);
    worker.presence = Presence::kLeft;
    worker.away_since_mono_ms = now.mono_ms;
    ClusterEvent event;
    event.kind = "worker-left";
    event.text = "worker " + worker.name + " said goodbye";
    const auto& placed = state_.placed_on(worker.name);
    const bool lives = std::any_of(placed.begin(), placed.end(), [&](const std::string& name) {
      const Live* live = reports_.find(name);
      return live != nullptr && live->pid;
    });
    if (lives) event.text += "; its apps go on";
    worker_events_.emit(worker, std::move(event), now);
    settlement_.give_up(worker.name, fail(Code::kLost, "worker " + worker.name + " has left"), now);
    failover_.look_again();
  }
  out_.push_back(CloseSession{closed.session, closed.why});
  handle(closed, now);
}

void Sessions::lose(WorkerView& worker, Now now) {
  worker.presence = Presence::kLost;
  roster_.rank(worker);
  worker.away_since_mono_ms = now.mono_ms;
  if (!state_.knows_worker(worker.name)) return;
  ClusterEvent event;
  event.kind = "worker-lost";
  event.worker = worker.name;
  const std::int64_t silent_ms = now.mono_ms - worker.last_beat_mono_ms;
  event.text = "worker " + worker.name + " is lost: no beat for " +
               (silent_ms < 1000 ? std::to_string(silent_ms) + "ms" : print_duration(silent_ms));
  recorder_.emit(std::move(event), now);
  settlement_.give_up(worker.name, fail(Code::kLost, "worker " + worker.name + " is lost"), now);
  failover_.look_again();
}

void Sessions::on_synced(WorkerView& worker, const Line&, Now now) {
  worker.synced = worker.heard = true;
  roster_.rank(worker);
  orders_.send_waiting(worker.name, now);
  run_ends_.end_missing(worker, now);
  worker.reported.clear();
  if (state_.knows_worker(worker.name)) unrecorded_.learn_numbers(worker, now);
  unrecorded_.tell(worker, now);
  reconciler_.reconcile(worker.name, now);
  timers_.prune_soon(now);
  tails_.want_missing(worker, now);
}

void Sessions::on_exited(WorkerView& worker, const Line& line, Now now) {
  exits_.exited(worker, line, now);
}

void Sessions::on_answer(WorkerView& worker, const Line& line, Now now) {
  settlement_.answered(worker, line, now);
}

void Sessions::on_progress(WorkerView& worker, const Line& line, Now now) {
  settlement_.progress(worker, line, now);
}

// --- time ---

void Sessions::begin(Now now) {
  for (const auto& [name, known] : state_.workers) {
    WorkerView& view = roster_.add(name);
    view.cordoned = known.cordoned;
    view.last_beat_mono_ms = now.mono_ms;
    if (known.stays_since_ms > 0) {
      view.stays = true;
      view.presence = Presence::kLeft;
      view.away_since_mono_ms =
          now.mono_ms - std::max<std::int64_t>(now.wall_ms - known.stays_since_ms, 0);
    }
    schedule(view);
  }
}

bool Sessions::is_expected(const WorkerView& worker) {
  return worker.presence == Presence::kUp || worker.presence == Presence::kSuspect;
}

// A beat only makes its deadline later: that is found out when the earlier one has come.
void Sessions::schedule(const WorkerView& worker) {
  std::int64_t due = worker.notices.deadline();
  if (worker.session != 0) due = std::min(due, worker.next_beat_mono_ms);
  if (is_expected(worker))
    due = std::min(due, worker.last_beat_mono_ms + lost_after_ms(options_.heartbeat_ms));
  deadlines_.set(worker.name, due);
}

void Sessions::tick(Now now) {
  for (const std::string& name : deadlines_.take_due(now)) {
    WorkerView* view = roster_.edit(name);
    if (view == nullptr) continue;
    if (view->session != 0 && view->next_beat_mono_ms <= now.mono_ms) {
      view->next_beat_mono_ms = now.mono_ms + options_.heartbeat_ms;
      out_.push_back(ToSession{view->session, Line("BEAT").add("seq", ++view->beats_sent)});
      exits_.pay_ack(*view);
    }
    worker_events_.tell_left_out(*view, now);
    if (is_expected(*view) &&
        view->last_beat_mono_ms + lost_after_ms(options_.heartbeat_ms) <= now.mono_ms)
      lose(*view, now);
    schedule(*view);
  }
}

}  // namespace dm::master
