#include "master/core/transfers.h"

#include <utility>

#include "common/units.h"

namespace dm::master {
namespace {

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

void Transfers::begin(const std::string& worker, const std::string& app, const std::string& version,
                      RequestId copy, const std::string& launch, Now now) {
  const std::string key = transfer_key(worker, version);
  const bool under_way = transfers_.contains(key);
  Transfer& transfer = transfers_[key];
  transfer.worker = worker;
  transfer.app = app;
  transfer.version = version;
  if (copy != 0) transfer.copies.push_back(copy);
  if (!launch.empty()) transfer.launches.push_back(launch);
  if (under_way) return;
  const Manifest* manifest = catalog_.find(version);
  if (manifest == nullptr)
    return end(key, fail(Code::kInternal, "the manifest of " + app + " is unreadable"), "", now);
  Order order;
  order.worker = worker;
  order.kind = OrderKind::kProbe;
  order.transfer = key;
  order.line = probe_line(*manifest);
  orders_.send(std::move(order), now);
}

void Transfers::settled_probe(const Order& order, const std::optional<Error>& error, Now now) {
  const auto found = transfers_.find(order.transfer);
  if (found == transfers_.end()) return;
  if (error) return end(order.transfer, error, "", now);
  Transfer& transfer = found->second;
  const auto version = state_.versions.find(transfer.version);
  // Files of which no record speaks would be left by every delete.
  if (version == state_.versions.end())
    return end(order.transfer, fail(Code::kNotFound, transfer.app + " was deleted meanwhile"), "",
               now);
  transfer.installing = true;
  // Should nobody hear how it went, a delete still knows where files may lie.
  if (!version->second.sent_to.contains(transfer.worker))
    recorder_.record(Line("INSTALLING")
                         .add("app", transfer.app)
                         .add("manifest", transfer.version)
                         .add("worker", transfer.worker));
  Order install;
  install.worker = order.worker;
  install.kind = OrderKind::kInstall;
  install.transfer = order.transfer;
  install.patience_ms = kInstallPatienceMs;
  install.line = Line("INSTALL").add("app", transfer.app).add("manifest", transfer.version);
  orders_.send(std::move(install), now);
}

void Transfers::settled_install(const Order& order, const Line& answer,
                                const std::optional<Error>& error, Now now) {
  const auto found = transfers_.find(order.transfer);
  if (found == transfers_.end()) return;
  if (error) return end(order.transfer, error, "", now);
  const Transfer& transfer = found->second;
  if (!state_.versions.contains(transfer.version)) return arrived_too_late(order.transfer, now);
  Line installed("INSTALLED");
  installed.add("app", transfer.app).add("manifest", transfer.version);
  recorder_.record(installed.add("worker", transfer.worker));
  const auto count = [&](std::string_view key) { return figure(answer, key).value_or(0); };
  const std::int64_t sent = count("sent"), there = count("there"), bytes = count("bytes");
  const std::int64_t took = count("elapsed_ms");
  std::string words = std::to_string(sent) + (sent == 1 ? " file sent, " : " files sent, ");
  words += std::to_string(there) + " already there, " + print_bytes(bytes) + " in ";
  words += std::to_string(took / 1000) + "." + std::to_string(took % 1000 / 100) + " s";
  end(order.transfer, std::nullopt, words, now);
}

// The app was deleted while its files travelled: what has arrived goes again.
void Transfers::arrived_too_late(const std::string& key, Now now) {
  const std::string worker = transfers_.at(key).worker, app = transfers_.at(key).app;
  end(key, fail(Code::kNotFound, app + " was deleted meanwhile"), "", now);
  const auto known = state_.apps.find(app);
  if (known != state_.apps.end() && !known->second.current.empty()) return;
  recorder_.record(Line("DELETING").add("app", app).add("worker", worker));
  deletes_.delete_if_still(worker, app, now);
}

void Transfers::end(const std::string& key, const std::optional<Error>& error,
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
    recorder_.emit(std::move(event), now);
  }
  for (RequestId copy : transfer.copies) {
    if (!error) requests_.out_line(copy, transfer.worker + ": " + words);
    const Request* request = requests_.find(copy);
    // Of several each note begins with its worker.
    const bool is_only = request != nullptr && request->tried == 1;
    requests_.done_one(copy, transfer.worker,
                       error && is_only ? on_worker(*error, transfer.worker) : error, now);
  }
  for (const std::string& instance : transfer.launches)
    listener_->files_arrived(instance, error, now);
}

std::int64_t Transfers::size_of(const Order& order) const {
  const auto transfer = transfers_.find(order.transfer);
  const Manifest* manifest =
      transfer == transfers_.end() ? nullptr : catalog_.find(transfer->second.version);
  std::int64_t size = 0;
  if (manifest != nullptr)
    for (const Manifest::File& file : manifest->files) size += file.size;
  return size;
}

void Transfers::progress(const Order& order, std::int64_t done, std::int64_t total) {
  const auto transfer = transfers_.find(order.transfer);
  if (transfer == transfers_.end()) return;
  for (RequestId copy : transfer->second.copies)
    if (const Request* asked = requests_.find(copy); asked != nullptr && !asked->is_left)
      out_.push_back(Progress{copy, order.worker, done, total});
}

std::optional<std::string> Transfers::worker_awaiting(
    const std::string& app, const std::function<bool(const std::string&)>& is_meant) const {
  for (const auto& [key, transfer] : transfers_)
    if (transfer.app == app && is_meant(transfer.worker)) return transfer.worker;
  return std::nullopt;
}

bool Transfers::may_fetch(const std::string& worker, const std::string& sha256) const {
  const std::string prefix = transfer_key(worker, "");
  for (auto at = transfers_.lower_bound(prefix);
       at != transfers_.end() && at->first.starts_with(prefix); ++at) {
    if (!at->second.installing) continue;
    if (at->second.version == sha256) return true;
    const Manifest* manifest = catalog_.find(at->second.version);
    if (manifest == nullptr) continue;
    for (const Manifest::File& file : manifest->files)
      if (file.sha256 == sha256) return true;
  }
  return false;
}

}  // namespace dm::master
