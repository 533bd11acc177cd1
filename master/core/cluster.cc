#include "master/core/cluster.h"

#include <algorithm>

#include "common/escape.h"
#include "common/names.h"
#include "common/shell_words.h"

namespace dm::master {
namespace {

constexpr std::int64_t kSampleMs = 10'000;
constexpr std::size_t kMostSamples = 360;  // one hour

}  // namespace

Cluster::Cluster(ClusterOptions options) : options_(std::move(options)) {}

void Cluster::provide(const std::string& version, Manifest manifest) {
  manifests_[version] = std::move(manifest);
}

void Cluster::begin(Now now) {
  for (const auto& [name, known] : state_.workers) {
    WorkerView& view = workers_[name];
    view.name = name;
    view.cordoned = known.cordoned;
    view.last_beat_mono_ms = now.mono_ms;
  }
  begin_failover(now);
  begin_leases(now);
  for (const auto& [number, asked] : state_.asked) left_audits_.push_back(number);
  if (!state_.fence.empty()) say(state_.fence, now);
  if (state_.any_epoch_below > 0 && state_.any_epoch_below == state_.epoch_number)
    say("started with --new-epoch: this journal is the truth, whatever workers have obeyed", now);
}

Effects Cluster::on(const Event& event, Now now) {
  out_.clear();
  std::visit([&](const auto& e) { handle(e, now); }, event);
  return std::move(out_);
}

std::int64_t Cluster::next_deadline() const {
  std::int64_t earliest = INT64_MAX;
  for (const auto& [name, view] : workers_) {
    if (view.session != 0) earliest = std::min(earliest, view.next_beat_mono_ms);
    earliest = std::min(earliest, view.notices.deadline());
    if (view.presence == Presence::kUp || view.presence == Presence::kSuspect)
      earliest = std::min(earliest, view.last_beat_mono_ms + lost_after_ms(options_.heartbeat_ms));
  }
  earliest = std::min({earliest, next_failover_mono_ms_, next_mend_mono_ms_, next_forget_mono_ms_,
                       tail_queue_.deadline()});
  if (!due_.empty()) earliest = std::min(earliest, due_.begin()->first);
  if (!live_.empty()) earliest = std::min(earliest, next_sample_mono_ms_);
  return left_audits_.empty() ? earliest : 0;
}

void Cluster::handle(const Tick&, Now now) {
  end_left_audits(now);
  for (auto& [name, view] : workers_) {
    if (view.session != 0 && view.next_beat_mono_ms <= now.mono_ms) {
      view.next_beat_mono_ms = now.mono_ms + options_.heartbeat_ms;
      out_.push_back(ToSession{view.session, Line("BEAT").add("seq", ++view.beats_sent)});
      pay_ack(view);
    }
    tell_left_out(view, now);
    const bool counts = view.presence == Presence::kUp || view.presence == Presence::kSuspect;
    if (counts && view.last_beat_mono_ms + lost_after_ms(options_.heartbeat_ms) <= now.mono_ms)
      lose(view, now);
  }
  while (!due_.empty() && due_.begin()->first <= now.mono_ms) {
    auto late = take_order(due_.begin()->second);
    const std::string text = "worker " + late->worker + " does not answer";
    settle(std::move(*late), Line(), fail(Code::kTimeout, text), now);
  }
  take_samples(now);
  ask_tails(now);
  fail_over(now);
  mend_if_due(now);
  forget_if_due(now);
}

// Of what the workers said last, so that an instance at rest has its samples too.
void Cluster::take_samples(Now now) {
  if (live_.empty() || now.mono_ms < next_sample_mono_ms_) return;
  next_sample_mono_ms_ = now.mono_ms + kSampleMs;
  for (auto& [name, live] : live_) {
    const auto placement = state_.instances.find(name);
    if (placement == state_.instances.end() || !live.pid) continue;
    const auto view = workers_.find(placement->second.worker);
    if (view == workers_.end() || view->second.presence != Presence::kUp) continue;
    live.samples.push_back(
        {now.wall_ms, live.cpu_user_ms, live.cpu_system_ms, live.rss_bytes, live.cpu_percent});
    if (live.samples.size() > kMostSamples) live.samples.pop_front();
  }
}

// --- requests ---

Cluster::Request* Cluster::find_request(RequestId id) {
  const auto found = requests_.find(id);
  return found == requests_.end() ? nullptr : &found->second;
}

void Cluster::out(RequestId request, std::string text) {
  if (find_request(request) != nullptr) out_.push_back(Out{request, std::move(text)});
}

void Cluster::out_line(RequestId request, std::string_view text) {
  out(request, escape_for_terminal(text) + "\n");
}

void Cluster::note(RequestId request, std::string text) {
  if (find_request(request) != nullptr) out_.push_back(Note{request, std::move(text)});
}

void Cluster::refuse(Request& request, const Error& error) {
  request.error = error;
  request.tried = request.failed = 1;
}

void Cluster::failed(Request& request, const std::string& about, const Error& error) {
  ++request.failed;
  if (!request.error) request.error = error;
  // With one target the final answer says it all.
  if (request.tried > 1) note(request.id, about + ": " + error.message);
}

void Cluster::done_one(RequestId id, const std::string& about, const std::optional<Error>& error,
                       Now now) {
  Request* request = find_request(id);
  if (request == nullptr) return;
  --request->waiting;
  if (error) failed(*request, about, *error);
  finish_if_done(*request, now);
}

void Cluster::finish_if_done(Request& request, Now now) {
  if (request.waiting > 0 || request.follows_events) return;
  if (!request.stops_app.empty()) {
    const std::string app = std::move(request.stops_app);
    request.stops_app.clear();
    // What could not be stopped keeps its files; what a lost worker runs is ended when it returns.
    const bool stopped = request.failed == 0 || request.error->code == Code::kLost;
    if (stopped)
      delete_from(request, app, now);
    else
      withdraw_delete(request, app);
    if (request.waiting > 0) return;
  }
  std::optional<Error> error;
  if (request.failed > 0) {
    error = request.error;
    if (request.tried > 1)
      error->message = std::to_string(request.failed) + " of " + std::to_string(request.tried) +
                       " failed: " + error->message;
  }
  end_audit(request.audit, error, now);
  const RequestId id = request.id;
  requests_.erase(id);
  out_.push_back(Finish{id, std::move(error)});
}

// The work goes on; only nobody hears of it.
void Cluster::handle(const Cancel& cancel, Now now) {
  Request* request = find_request(cancel.request);
  if (request == nullptr) return;
  // delete --force still has its second half to do.
  if (!request->stops_app.empty()) return;
  for (const auto& [number, order] : orders_) {
    if (order.request != cancel.request || order.kind != OrderKind::kLog) continue;
    const auto view = workers_.find(order.worker);
    if (view != workers_.end() && view->second.session != 0)
      out_.push_back(ToSession{view->second.session, Line("CANCEL").add("id", order.id)});
    out_.push_back(DropStream{order.id});
  }
  std::erase_if(orders_, [&](const auto& entry) {
    return entry.second.request == cancel.request && entry.second.kind == OrderKind::kLog;
  });
  // Audited all the same, with what is known of it by now.
  request->waiting = 0;
  request->follows_events = false;
  finish_if_done(*request, now);
}

void Cluster::record(const Line& record) {
  append(record, false);
}

void Cluster::record_lazily(const Line& record) {
  append(record, true);
}

void Cluster::append(const Line& record, bool lazy) {
  const std::size_t instances = state_.instances.size();
  // Nor would the next start take it: it must not be in the journal.
  if (const auto taken = state_.apply(record); !taken)
    return out_.push_back(Say{"not recorded: " + taken.error().message});
  const std::int64_t seq = next_seq_++;
  out_.push_back(Append{record, lazy});
  if (state_.instances.size() < instances) forget_tails();
  auto event = event_of(record);
  if (!event) return;
  event->number = seq;
  for (const auto& [id, request] : requests_) {
    if (!request.follows_events) continue;
    out(id, request.invocation.has("--json") ? print_as_json(*event) : print_for_people(*event));
  }
  events_.add(std::move(*event));
}

Status Cluster::replay(const Line& record, std::int64_t seq) {
  if (seq > 0) {
    next_seq_ = seq + 1;
    recall(record, seq);
  }
  return state_.apply(record);
}

void Cluster::recall(const Line& record, std::int64_t seq) {
  auto event = event_of(record);
  if (!event) return;
  event->number = seq;
  events_.add(std::move(*event));
}

void Cluster::happened(ClusterEvent event, Now now) {
  event.wall_ms = now.wall_ms;
  record_lazily(print_event(event));
}

void Cluster::say(const std::string& text, Now now) {
  out_.push_back(Say{text});
  ClusterEvent event;
  event.kind = "notice";
  event.text = text;
  happened(std::move(event), now);
}

// --- what the bulk connections ask ---

bool Cluster::is_connected(const std::string& worker, const std::string& id) const {
  const auto view = workers_.find(worker);
  if (view == workers_.end() || view->second.session == 0) return false;
  const auto known = state_.workers.find(worker);
  return known == state_.workers.end() || known->second.id == id;
}

bool Cluster::may_fetch(const std::string& worker, const std::string& sha256) const {
  for (const auto& [key, transfer] : transfers_) {
    if (transfer.worker != worker || !transfer.installing) continue;
    if (transfer.version == sha256) return true;
    const auto manifest = manifests_.find(transfer.version);
    if (manifest == manifests_.end()) continue;
    for (const Manifest::File& file : manifest->second.files)
      if (file.sha256 == sha256) return true;
  }
  return false;
}

std::set<std::string> Cluster::referenced_blobs() const {
  std::set<std::string> blobs;
  for (const auto& [version, known] : state_.versions) {
    blobs.insert(version);
    const auto manifest = manifests_.find(version);
    if (manifest == manifests_.end()) continue;
    for (const Manifest::File& file : manifest->second.files) blobs.insert(file.sha256);
  }
  return blobs;
}

// --- what a word means ---

Error Cluster::no_such(std::string_view what, const std::string& name) const {
  if (const auto workers = workers_with_foreign(name); !workers.empty())
    return fail(Code::kNotFound,
                name + " on " + fold_names(workers) + " is foreign: no record of this master " +
                    "speaks of it, and it is left alone until 'stop' or 'kill' names it");
  const auto parsed = parse_instance_name(name);
  const auto its_app = parsed ? state_.apps.find(parsed->app) : state_.apps.end();
  if (its_app != state_.apps.end() && parsed->number < its_app->second.next_number)
    return fail(Code::kNotFound,
                name + " is gone; 'history " + name + "' says what is known of its runs");
  std::vector<std::string_view> known;
  if (what.ends_with("worker"))
    for (const auto& [worker, info] : state_.workers) known.push_back(worker);
  if (what != "worker") {
    for (const auto& [app, info] : state_.apps)
      if (!info.current.empty() && app != name) known.push_back(app);
    for (const auto& [instance, placement] : state_.instances) known.push_back(instance);
  }
  const auto near = nearest(name, known);
  return fail(Code::kNotFound, "no " + std::string(what) + " named " + quote_word(name) +
                                   (near ? "; did you mean " + *near + "?" : ""));
}

std::vector<std::string> Cluster::instances_of(const std::string& app) const {
  // No app's name holds a dot, so its instances stand together.
  const std::string prefix = app + ".";
  std::vector<std::pair<std::int64_t, std::string>> numbered;
  for (auto at = state_.instances.lower_bound(prefix);
       at != state_.instances.end() && at->first.starts_with(prefix); ++at)
    numbered.emplace_back(parse_instance_name(at->first)->number, at->first);
  std::sort(numbered.begin(), numbered.end());
  std::vector<std::string> names;
  for (auto& [number, name] : numbered) names.push_back(std::move(name));
  return names;
}

Result<std::vector<std::string>> Cluster::resolve_targets(
    const std::vector<std::string>& words) const {
  std::vector<std::string> names;
  std::set<std::string> taken;
  const auto add = [&](const std::string& name) {
    if (taken.insert(name).second) names.push_back(name);
  };
  for (const std::string& word : words) {
    const std::string app = word.starts_with("app/") ? word.substr(4) : word;
    if (word == "all") {
      for (const auto& [name, known] : state_.apps)
        for (const std::string& instance : instances_of(name)) add(instance);
    } else if (state_.instances.contains(word)) {
      add(word);
    } else if (state_.apps.contains(app) &&
               (!state_.apps.at(app).current.empty() || !instances_of(app).empty())) {
      for (const std::string& instance : instances_of(app)) add(instance);
    } else {
      return no_such("app or instance", word);
    }
  }
  return names;
}

Result<std::vector<std::string>> Cluster::resolve_listing(const Invocation& invocation) const {
  if (invocation.operands.empty()) return resolve_targets({"all"});
  const std::string& word = invocation.operands.front();
  const bool says_worker = word.starts_with("worker/");
  const std::string worker = says_worker ? word.substr(7) : word;
  const auto targets = resolve_targets({word});
  if (!is_known(worker) || word == "all")
    return says_worker ? Result<std::vector<std::string>>(no_such("worker", worker)) : targets;
  if (targets && !says_worker)
    return fail(Code::kBadArg,
                word + " is both an app and a worker: say app/" + word + " or worker/" + word);
  std::vector<std::string> names;
  for (const auto& [app, known] : state_.apps)
    for (const std::string& name : instances_of(app))
      if (state_.instances.at(name).worker == worker) names.push_back(name);
  return names;
}

Result<std::vector<std::string>> Cluster::resolve_workers(const std::string& spec) const {
  const auto tokens = expand_workers(spec);
  if (!tokens) return tokens.error();
  std::vector<std::string> names;
  std::set<std::string> taken;
  const auto add = [&](const std::string& name) {
    if (taken.insert(name).second) names.push_back(name);
  };
  for (const std::string& token : *tokens) {
    if (token == "all" || token.find('=') != std::string::npos) {
      for (const auto& [name, view] : workers_) {
        if (!is_known(name)) continue;
        const auto& labels = view.labels;
        if (token == "all" || std::find(labels.begin(), labels.end(), token) != labels.end())
          add(name);
      }
      if (names.empty()) return fail(Code::kNotFound, "no worker is " + token);
    } else if (is_known(token)) {
      add(token);
    } else {
      return no_such("worker", token);
    }
  }
  return names;
}

}  // namespace dm::master
