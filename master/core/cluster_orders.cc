// Orders to workers and what becomes of them: sent, sent again, answered, given up.
#include <algorithm>

#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::int64_t kPatienceMs = 60'000;
constexpr std::int64_t kInstallPatienceMs = 300'000;  // without a sign of progress

std::string transfer_key(const std::string& worker, const std::string& version) {
  return worker + " " + version;
}

Line probe_line(const Manifest& manifest) {
  Line line("PROBE");
  line.add("arch", manifest.arch);
  if (!manifest.interpreter.empty()) line.add("interp", manifest.interpreter);
  std::size_t size = 0;
  for (const Manifest::Need& need : manifest.needs) {
    // What does not fit is found out by the program itself: better than no probe at all.
    size += need.library.size() + need.version.size() + 16;
    if (size > kMaxLine / 2) break;
    if (need.version.empty())
      line.add("lib", need.library);
    else
      line.add("symbols", need.version + " " + need.library);
  }
  return line;
}

}  // namespace

struct Cluster::OrderRow {
  OrderKind kind;
  void (Cluster::*settled)(const Order&, const Line&, const std::optional<Error>&, Now);
};

const Cluster::OrderRow Cluster::kOrderRows[] = {
    {OrderKind::kProbe, &Cluster::settled_probe},   {OrderKind::kInstall, &Cluster::settled_install},
    {OrderKind::kLaunch, &Cluster::settled_launch}, {OrderKind::kStop, &Cluster::settled_stop},
    {OrderKind::kKill, &Cluster::settled_stop},     {OrderKind::kDelete, &Cluster::settled_delete},
    {OrderKind::kLog, &Cluster::settled_log},
};

std::string Cluster::send_order(Order order, Now now) {
  order.id = options_.epoch + "." + std::to_string(next_order_++);
  Line line(order.line.verb());
  line.add("id", order.id);
  for (const auto& [key, value] : order.line.fields()) line.add(key, value);
  order.line = std::move(line);
  if (order.patience_ms == 0) order.patience_ms = kPatienceMs;
  order.deadline_mono_ms = now.mono_ms + order.patience_ms;
  const std::string id = order.id;
  Order& kept = orders_[id];
  kept = std::move(order);
  post(kept);
  return id;
}

// Sends an order if its worker listens; otherwise it goes out when the worker is back, unless it
// is lost before that.
void Cluster::post(Order& order) {
  const auto view = workers_.find(order.worker);
  if (view == workers_.end() || view->second.session == 0 || !view->second.synced) return;
  order.sent = true;
  out_.push_back(ToSession{view->second.session, order.line});
}

void Cluster::on_answer(WorkerView& worker, const Line& line, Now now) {
  const auto found = orders_.find(std::string(line.text("id")));
  if (found == orders_.end() || found->second.worker != worker.name) return;
  std::optional<Error> error;
  if (line.verb() == "ERR")
    error = Error{code_from(line.text("code")), std::string(line.text("msg"))};
  Order order = std::move(orders_.extract(found).mapped());
  settle(std::move(order), line, error, now);
}

void Cluster::on_progress(WorkerView& worker, const Line& line, Now now) {
  const auto found = orders_.find(std::string(line.text("id")));
  if (found == orders_.end() || found->second.worker != worker.name) return;
  found->second.deadline_mono_ms = now.mono_ms + found->second.patience_ms;
  const auto transfer = transfers_.find(found->second.transfer);
  if (transfer == transfers_.end()) return;
  const std::int64_t done = line.number_or("done", 0), total = line.number_or("total", 0);
  for (RequestId copy : transfer->second.copies)
    out_.push_back(Progress{copy, worker.name, done, total});
}

void Cluster::settle(Order order, const Line& answer, const std::optional<Error>& error, Now now) {
  for (const OrderRow& row : kOrderRows)
    if (row.kind == order.kind) return (this->*row.settled)(order, answer, error, now);
}

// --- files on their way ---

void Cluster::begin_transfer(const std::string& worker, const std::string& app,
                             const std::string& version, RequestId copy, const std::string& launch,
                             Now now) {
  const std::string key = transfer_key(worker, version);
  const bool under_way = transfers_.contains(key);
  Transfer& transfer = transfers_[key];
  transfer.worker = worker;
  transfer.app = app;
  transfer.version = version;
  if (copy != 0) transfer.copies.push_back(copy);
  if (!launch.empty()) transfer.launches.push_back(launch);
  if (under_way) return;
  Order order;
  order.worker = worker;
  order.kind = OrderKind::kProbe;
  order.transfer = key;
  order.line = probe_line(manifests_[version]);
  send_order(std::move(order), now);
}

void Cluster::settled_probe(const Order& order, const Line&, const std::optional<Error>& error,
                            Now now) {
  const auto found = transfers_.find(order.transfer);
  if (found == transfers_.end()) return;
  if (error) return end_transfer(order.transfer, error, "", now);
  Transfer& transfer = found->second;
  transfer.installing = true;
  Order install;
  install.worker = order.worker;
  install.kind = OrderKind::kInstall;
  install.transfer = order.transfer;
  install.patience_ms = kInstallPatienceMs;
  install.line = Line("INSTALL").add("app", transfer.app).add("manifest", transfer.version);
  send_order(std::move(install), now);
}

void Cluster::settled_install(const Order& order, const Line& answer,
                              const std::optional<Error>& error, Now now) {
  const auto found = transfers_.find(order.transfer);
  if (found == transfers_.end()) return;
  if (error) return end_transfer(order.transfer, error, "", now);
  const Transfer& transfer = found->second;
  Line installed("INSTALLED");
  installed.add("app", transfer.app).add("manifest", transfer.version);
  record(installed.add("worker", transfer.worker));
  const std::int64_t sent = answer.number_or("sent", 0), there = answer.number_or("there", 0);
  const std::int64_t bytes = answer.number_or("bytes", 0), took = answer.number_or("elapsed_ms", 0);
  std::string words = std::to_string(sent) + (sent == 1 ? " file sent, " : " files sent, ");
  words += std::to_string(there) + " already there, " + print_bytes(bytes) + " in ";
  words += std::to_string(took / 1000) + "." + std::to_string(took % 1000 / 100) + " s";
  end_transfer(order.transfer, std::nullopt, words, now);
}

void Cluster::end_transfer(const std::string& key, const std::optional<Error>& error,
                           const std::string& words, Now now) {
  auto node = transfers_.extract(key);
  if (node.empty()) return;
  const Transfer transfer = std::move(node.mapped());
  if (!error) {
    ClusterEvent event;
    event.kind = "copied";
    event.worker = transfer.worker;
    event.app = transfer.app;
    event.text = transfer.app + " " + transfer.version.substr(0, 12) + " is on " + transfer.worker +
                 ": " + words;
    happened(std::move(event), now);
  }
  for (RequestId copy : transfer.copies) {
    if (!error) out(copy, transfer.worker + ": " + words + "\n");
    done_one(copy, transfer.worker, error, now);
  }
  for (const std::string& instance : transfer.launches) {
    const RequestId request = launching_[instance];
    launching_.erase(instance);
    if (error)
      launch_failed(instance, request, *error, now);
    else
      send_launch(instance, request, now);
  }
}

// --- launches ---

void Cluster::send_launch(const std::string& instance, RequestId request, Now now) {
  const auto found = state_.instances.find(instance);
  if (found == state_.instances.end())
    return done_one(request, instance, fail(Code::kNotFound, instance + " was deleted"), now);
  const Placement& placement = found->second;
  if (placement.desired != Desired::kRunning)
    return launch_failed(instance, request,
                         fail(Code::kBusy, instance + " was stopped before it began"), now);
  Order order;
  order.worker = placement.worker;
  order.kind = OrderKind::kLaunch;
  order.request = request;
  order.instance = instance;
  order.line = launch_line(instance, placement);
  send_order(std::move(order), now);
}

Line launch_line(const std::string& instance, const Placement& placement) {
  Line line("LAUNCH");
  line.add("instance", instance).add("app", placement.app).add("manifest", placement.version);
  line.add("run", placement.run).add("restart", placement.restart);
  for (const std::string& arg : placement.args) line.add("arg", arg);
  for (const std::string& env : placement.env) line.add("env", env);
  return line;
}

// A launch that was answered with an error must not come true later: it is withdrawn.
void Cluster::launch_failed(const std::string& instance, RequestId request, const Error& error,
                            Now now) {
  const auto found = state_.instances.find(instance);
  if (found != state_.instances.end()) {
    const Placement& placement = found->second;
    if (placement.desired == Desired::kRunning)
      record(Line("DESIRED").add("instance", instance).add("desired", word(Desired::kStopped)));
    const bool explained = placement.last_end && placement.last_end->run >= placement.run;
    if (!explained) {
      Line ended("ENDED");
      ended.add("instance", instance).add("run", placement.run).add("worker", placement.worker);
      record(ended.add("ended_ms", now.wall_ms).add("reason", "not launched: " + error.message));
    }
    live_[instance].state = "dead";
  }
  done_one(request, instance, error, now);
}

void Cluster::settled_launch(const Order& order, const Line& answer,
                             const std::optional<Error>& error, Now now) {
  if (error) {
    Error explained = *error;
    if (error->code == Code::kExecFailed) explained.message = "exec failed: " + error->message;
    return launch_failed(order.instance, order.request, explained, now);
  }
  const auto placement = state_.instances.find(order.instance);
  const std::string pid = std::to_string(answer.number_or("pid", 0));
  if (placement != state_.instances.end()) {
    Live& live = live_[order.instance];
    if (live.state.empty()) {
      live.state = "running";
      live.run = answer.number_or("run", placement->second.run);
      live.pid = answer.number("pid");
      live.started_ms = now.wall_ms;
    }
    ClusterEvent event;
    event.kind = "launched";
    event.worker = order.worker;
    event.instance = order.instance;
    event.app = placement->second.app;
    event.text = order.instance + " runs on " + order.worker + ", pid " + pid;
    happened(std::move(event), now);
  }
  out(order.request, order.instance + " " + order.worker + " " + pid + "\n");
  done_one(order.request, order.instance, std::nullopt, now);
}

// --- ends ---

void Cluster::settled_stop(const Order& order, const Line& answer,
                           const std::optional<Error>& error, Now now) {
  std::optional<Error> outcome = error;
  if (error && error->code == Code::kLost)
    outcome = fail(Code::kLost, "will be done when " + order.worker + " returns");
  // It never got there, or is gone with its app: that is what was wanted.
  const bool gone = error && error->code == Code::kNotFound;
  if (gone) outcome.reset();
  if (!outcome) {
    std::string reason = gone ? "it had not begun" : std::string(answer.text("reason"));
    if (reason.empty()) reason = "it had not begun";
    out(order.request, order.instance + ": " + reason + "\n");
  }
  done_one(order.request, order.instance, outcome, now);
  const auto placement = state_.instances.find(order.instance);
  if (!outcome && placement != state_.instances.end()) {
    const auto deletes = state_.deletes.find(order.worker);
    const std::string app = placement->second.app;
    if (deletes != state_.deletes.end() && deletes->second.contains(app))
      delete_if_still(order.worker, app, now);
  }
}

// Sends the DELETE of an app once nothing of it lives on the worker; what lives is killed first,
// and its end brings us here again.
void Cluster::delete_if_still(const std::string& worker, const std::string& app, Now now) {
  bool waits = false;
  for (const std::string& name : instances_of(app)) {
    if (state_.instances.at(name).worker != worker || !is_alive(name)) continue;
    waits = true;
    const bool ordered = std::any_of(orders_.begin(), orders_.end(), [&](const auto& entry) {
      return entry.second.instance == name && (entry.second.kind == OrderKind::kKill ||
                                               entry.second.kind == OrderKind::kStop);
    });
    if (ordered) continue;
    Order order;
    order.worker = worker;
    order.kind = OrderKind::kKill;
    order.instance = name;
    order.line = Line("KILL").add("instance", name);
    send_order(std::move(order), now);
  }
  const bool under_way = std::any_of(orders_.begin(), orders_.end(), [&](const auto& entry) {
    return entry.second.kind == OrderKind::kDelete && entry.second.worker == worker &&
           entry.second.app == app;
  });
  if (waits || under_way) return;
  Order order;
  order.worker = worker;
  order.kind = OrderKind::kDelete;
  order.app = app;
  order.line = Line("DELETE").add("app", app);
  send_order(std::move(order), now);
}

void Cluster::settled_delete(const Order& order, const Line&, const std::optional<Error>& error,
                             Now now) {
  std::optional<Error> outcome = error;
  if (error && error->code == Code::kLost)
    outcome = fail(Code::kLost, "will be done when " + order.worker + " returns");
  if (!outcome) {
    for (const std::string& name : instances_of(order.app))
      if (state_.instances.at(name).worker == order.worker) live_.erase(name);
    record(Line("DELETED").add("app", order.app).add("worker", order.worker));
    ClusterEvent event;
    event.kind = "deleted";
    event.worker = order.worker;
    event.app = order.app;
    event.text = order.app + " was deleted from " + order.worker;
    happened(std::move(event), now);
    out(order.request, order.worker + ": deleted\n");
  }
  done_one(order.request, order.worker, outcome, now);
}

// --- logs ---

// OK comes when the worker has sent the last byte, which may still be on its way to us: the
// stream's own end finishes the request. An error means that no stream will come.
void Cluster::settled_log(const Order& order, const Line&, const std::optional<Error>& error,
                          Now now) {
  if (!error) {
    orders_[order.id] = order;
    return;
  }
  out_.push_back(DropStream{order.id});
  done_one(order.request, order.instance, error, now);
}

void Cluster::handle(const StreamEnded& ended, Now now) {
  auto node = orders_.extract(ended.order);
  if (node.empty()) return;
  done_one(node.mapped().request, node.mapped().instance, ended.error, now);
}

}  // namespace dm::master
