#include "master/core/worker_records.h"

#include <optional>
#include <string_view>
#include <utility>

#include "common/sha256.h"

namespace dm::master {
namespace {

int digit(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

// Two texts of 64 hex digits, one of them the pad that hides the other. nullopt if one is none.
std::optional<std::string> unmask(std::string_view hidden, std::string_view pad) {
  if (!is_sha256_hex(hidden) || !is_sha256_hex(pad)) return std::nullopt;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string shown;
  for (std::size_t i = 0; i < hidden.size(); ++i)
    shown += kDigits[static_cast<std::size_t>(digit(hidden[i]) ^ digit(pad[i]))];
  return shown;
}

}  // namespace

void WorkerRecords::know(const WorkerView& worker) {
  KnownWorker known;
  known.id = worker.pending_id;
  known.cordoned = worker.cordoned;
  known.identity = worker.pending_identity;
  recorder_.record(print_worker(worker.name, known));
}

void WorkerRecords::enroll(WorkerView& worker, const Line& info) {
  const std::string pad = std::exchange(worker.identity_pad, "");
  if (pad.empty()) return;
  const auto identity = unmask(info.text("identity"), pad);
  if (!identity) return;
  const auto known = state_.workers.find(worker.name);
  if (known == state_.workers.end()) {
    worker.pending_identity = *identity;
    return;
  }
  KnownWorker enrolled = known->second;
  enrolled.identity = *identity;
  recorder_.record(print_worker(worker.name, enrolled));
}

void WorkerRecords::note_stay(const std::string& name, std::int64_t since_ms) {
  KnownWorker known = state_.workers.at(name);
  if (known.stays_since_ms == since_ms) return;
  known.stays_since_ms = since_ms;
  recorder_.record(print_worker(name, known));
}

}  // namespace dm::master
