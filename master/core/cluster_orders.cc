// Orders to workers and what becomes of them: sent, sent again, answered, given up.
#include <algorithm>

#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::int64_t kPatienceMs = 60'000;
constexpr std::size_t kMostMessage = 4096;
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
    {OrderKind::kProbe, &Cluster::settled_probe},
    {OrderKind::kInstall, &Cluster::settled_install},
    {OrderKind::kLaunch, &Cluster::settled_launch},
    {OrderKind::kStop, &Cluster::settled_stop},
    {OrderKind::kKill, &Cluster::settled_stop},
    {OrderKind::kDelete, &Cluster::settled_delete},
    {OrderKind::kForget, &Cluster::settled_forget},
    {OrderKind::kLog, &Cluster::settled_log},
};

std::string Cluster::send_order(Order order, Now now) {
  order.number = next_order_++;
  order.id = options_.epoch + "." + std::to_string(order.number);
  Line line(order.line.verb());
  line.add("id", order.id);
  for (const auto& [key, value] : order.line.fields()) line.add(key, value);
  order.line = std::move(line);
  if (order.patience_ms == 0) order.patience_ms = kPatienceMs;
  order.deadline_mono_ms = now.mono_ms + order.patience_ms;
  const std::int64_t number = order.number;
  keep(std::move(order));
  post(orders_.at(number), now);
  return orders_.at(number).id;
}

void Cluster::keep(Order order) {
  if (order.patience_ms > 0) due_.emplace(order.deadline_mono_ms, order.number);
  orders_.insert_or_assign(order.number, std::move(order));
}

std::optional<Cluster::Order> Cluster::take_order(std::int64_t number) {
  auto node = orders_.extract(number);
  if (node.empty()) return std::nullopt;
  due_.erase({node.mapped().deadline_mono_ms, number});
  return std::move(node.mapped());
}

// The order that a worker's line speaks of, if it is its own; else 0, which is no order's number.
std::int64_t Cluster::order_number(const WorkerView& worker, const Line& answer) const {
  const std::string_view id = answer.text("id");
  const std::string prefix = options_.epoch + ".";
  if (!id.starts_with(prefix)) return 0;
  const auto found = orders_.find(parse_integer(id.substr(prefix.size())).value_or(0));
  const bool is_own = found != orders_.end() && found->second.worker == worker.name;
  return is_own ? found->first : 0;
}

bool Cluster::has_order(const std::string& instance) const {
  return std::any_of(orders_.begin(), orders_.end(), [&](const auto& entry) {
    return entry.second.instance == instance && entry.second.kind != OrderKind::kLog;
  });
}

// What is asked of a worker meanwhile, because of these, waits for its return.
void Cluster::give_up_orders(const std::string& worker, const Error& error, Now now) {
  std::vector<std::int64_t> numbers;
  for (const auto& [number, order] : orders_)
    if (order.worker == worker) numbers.push_back(number);
  for (std::int64_t number : numbers)
    if (auto order = take_order(number)) settle(std::move(*order), Line(), error, now);
}

// Sends an order if its worker listens; otherwise it goes out when the worker is back, unless it
// is lost before that.
void Cluster::post(Order& order, Now now) {
  const auto view = workers_.find(order.worker);
  if (view == workers_.end() || view->second.session == 0 || !view->second.synced) return;
  if (!state_.fence.empty() && order.kind != OrderKind::kLog) return;
  order.sent = true;
  const auto placement = state_.instances.find(order.instance);
  const bool leased = order.kind == OrderKind::kLaunch && placement != state_.instances.end() &&
                      placement->second.lease_ms > 0;
  if (!leased) return out_.push_back(ToSession{view->second.session, order.line});
  // Its lease counts from when the worker sent that beat, however long the order travels.
  note_lease(order.instance, placement->second.lease_ms, now);
  if (state_.held.contains(order.instance)) record(print_lease(order.instance, 0));
  Line line = order.line;
  out_.push_back(ToSession{view->second.session, line.add("beat", view->second.beats_heard)});
}

void Cluster::on_answer(WorkerView& worker, const Line& line, Now now) {
  auto order = take_order(order_number(worker, line));
  if (!order) return;
  std::optional<Error> error;
  if (line.verb() == "ERR")
    error =
        Error{code_from(line.text("code")), std::string(line.text("msg").substr(0, kMostMessage))};
  settle(std::move(*order), line, error, now);
}

void Cluster::on_progress(WorkerView& worker, const Line& line, Now now) {
  auto order = take_order(order_number(worker, line));
  if (!order) return;
  if (order->patience_ms > 0) order->deadline_mono_ms = now.mono_ms + order->patience_ms;
  const auto transfer = transfers_.find(order->transfer);
  keep(std::move(*order));
  if (transfer == transfers_.end()) return;
  const std::int64_t done = figure(line, "done").value_or(0);
  const std::int64_t total = figure(line, "total").value_or(0);
  for (RequestId copy : transfer->second.copies)
    if (find_request(copy) != nullptr) out_.push_back(Progress{copy, worker.name, done, total});
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
  const auto manifest = manifests_.find(version);
  if (manifest == manifests_.end())
    return end_transfer(key, fail(Code::kInternal, "the manifest of " + app + " is unreadable"), "",
                        now);
  Order order;
  order.worker = worker;
  order.kind = OrderKind::kProbe;
  order.transfer = key;
  order.line = probe_line(manifest->second);
  send_order(std::move(order), now);
}

void Cluster::settled_probe(const Order& order, const Line&, const std::optional<Error>& error,
                            Now now) {
  const auto found = transfers_.find(order.transfer);
  if (found == transfers_.end()) return;
  if (error) return end_transfer(order.transfer, error, "", now);
  Transfer& transfer = found->second;
  transfer.installing = true;
  // Should nobody hear how it went, a delete still knows where files may lie.
  if (const auto version = state_.versions.find(transfer.version);
      version != state_.versions.end() && !version->second.sent_to.contains(transfer.worker))
    record(Line("INSTALLING")
               .add("app", transfer.app)
               .add("manifest", transfer.version)
               .add("worker", transfer.worker));
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
  if (!state_.versions.contains(transfer.version)) return arrived_too_late(order.transfer, now);
  Line installed("INSTALLED");
  installed.add("app", transfer.app).add("manifest", transfer.version);
  record(installed.add("worker", transfer.worker));
  const auto count = [&](std::string_view key) { return figure(answer, key).value_or(0); };
  const std::int64_t sent = count("sent"), there = count("there"), bytes = count("bytes");
  const std::int64_t took = count("elapsed_ms");
  std::string words = std::to_string(sent) + (sent == 1 ? " file sent, " : " files sent, ");
  words += std::to_string(there) + " already there, " + print_bytes(bytes) + " in ";
  words += std::to_string(took / 1000) + "." + std::to_string(took % 1000 / 100) + " s";
  end_transfer(order.transfer, std::nullopt, words, now);
}

// The app was deleted while its files travelled: what has arrived goes again.
void Cluster::arrived_too_late(const std::string& key, Now now) {
  const std::string worker = transfers_.at(key).worker, app = transfers_.at(key).app;
  end_transfer(key, fail(Code::kNotFound, app + " was deleted meanwhile"), "", now);
  const auto known = state_.apps.find(app);
  if (known != state_.apps.end() && !known->second.current.empty()) return;
  record(Line("DELETING").add("app", app).add("worker", worker));
  delete_if_still(worker, app, now);
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
    if (!error) out_line(copy, transfer.worker + ": " + words);
    done_one(copy, transfer.worker, error, now);
  }
  for (const std::string& instance : transfer.launches) {
    const auto waiting = launching_.extract(instance);
    if (waiting.empty()) continue;
    if (error)
      launch_failed(instance, waiting.mapped(), *error, now);
    else
      send_launch(instance, waiting.mapped(), now);
  }
}

}  // namespace dm::master
