#include "worker/core/log_budget.h"

#include <algorithm>
#include <tuple>

#include "common/codec.h"
#include "common/names.h"

namespace dm::worker {
namespace {

constexpr std::int64_t kMostTotal = 10LL * 1024 * 1024 * 1024;
constexpr std::int64_t kLeastKept = 16 * kLogBlock;  // of a log that is shortened
constexpr std::int64_t kListMs = 5000;
constexpr std::int64_t kListShare = 200;  // listing takes so little of the time
constexpr std::int64_t kIdleMs = 1000;
constexpr std::int64_t kLookMs = 200;
constexpr std::int64_t kLookOnFullDiskMs = 50;
constexpr std::int64_t kLookSoonestMs = 10;
constexpr std::int64_t kLookShare = 4;   // looking a quarter, and only while there is a flood
constexpr std::int64_t kSlackShare = 4;  // of its budget, what a log may be beyond it

enum class Class { kReplaced, kEnded, kAlive };

struct Candidate {
  LogFile file;
  Class rank = Class::kReplaced;
  std::int64_t keep_from = -1;  // of the cut; -1: none
  bool trims = false;
};

// Cuts `candidates` in their order until `excess` bytes are gone. One that `stays` is shortened.
template <typename Stays>
void cut(std::vector<Candidate*>& candidates, std::int64_t excess, Stays stays) {
  for (Candidate* each : candidates) {
    if (excess <= 0) return;
    LogFile& file = each->file;
    const bool shortens = stays(*each) || file.used > excess;
    const std::int64_t most = shortens ? file.used - kLeastKept : file.used;
    const std::int64_t gone = std::min(excess, most);
    if (gone <= 0) continue;
    const std::int64_t behind = shortens ? std::min(gone, file.beyond) : 0;
    const std::int64_t kept = file.used - file.beyond - (gone - behind);
    const std::int64_t from = (file.size - kept) / kLogBlock * kLogBlock;
    if (shortens && behind == 0 && from <= 0) continue;
    each->trims = behind > 0;
    if (!shortens) each->keep_from = 0;
    if (shortens && gone > behind && from > 0) each->keep_from = from;
    file.used -= gone;
    file.beyond -= behind;
    excess -= gone;
  }
}

std::int64_t used_by(const std::vector<Candidate*>& candidates) {
  std::int64_t sum = 0;
  for (const Candidate* each : candidates) sum += each->file.used;
  return sum;
}

// How much must go to come a tenth below `most`; 0 if it is not exceeded.
std::int64_t excess_over(std::int64_t most, std::int64_t used) {
  return used > most ? used - (most - most / 10) : 0;
}

LogOwner owner_of(const std::map<std::string, LogOwner>& owners, const std::string& instance) {
  const auto found = owners.find(instance);
  return found == owners.end() ? LogOwner() : found->second;
}

}  // namespace

std::vector<LogCut> plan_log_cuts(const std::vector<LogFile>& files,
                                  const std::map<std::string, LogOwner>& owners,
                                  std::int64_t total) {
  std::vector<Candidate> all;
  for (const LogFile& file : files) all.push_back({file});
  std::map<std::string, std::vector<Candidate*>> by_instance;
  for (Candidate& each : all) by_instance[each.file.instance].push_back(&each);
  std::vector<Candidate*> by_age;
  for (auto& [instance, runs] : by_instance) {
    std::sort(runs.begin(), runs.end(), [](const Candidate* left, const Candidate* right) {
      return left->file.run < right->file.run;
    });
    const LogOwner owner = owner_of(owners, instance);
    runs.back()->rank = owner.is_alive ? Class::kAlive : Class::kEnded;
    const Candidate* last = runs.back();
    cut(runs, excess_over(owner.most, used_by(runs)),
        [&](const Candidate& each) { return &each == last; });
    by_age.insert(by_age.end(), runs.begin(), runs.end());
  }
  const auto order = [](const Candidate* each) {
    const bool is_alive = each->rank == Class::kAlive;
    return std::tuple(each->rank, is_alive ? -each->file.used : each->file.written_ms);
  };
  std::sort(by_age.begin(), by_age.end(), [&](const Candidate* left, const Candidate* right) {
    return order(left) < order(right);
  });
  cut(by_age, excess_over(total, used_by(by_age)),
      [](const Candidate& each) { return each.rank == Class::kAlive; });
  std::vector<LogCut> cuts;
  for (const Candidate* each : by_age)
    if (each->keep_from >= 0 || each->trims)
      cuts.push_back({each->file.instance, each->file.run, each->keep_from, each->trims});
  return cuts;
}

std::int64_t default_logs_total(std::int64_t disk_bytes) {
  return std::min(disk_bytes / 10, kMostTotal);
}

std::int64_t next_log_look_ms(const std::vector<LogGrowth>& living, bool disk_is_low,
                              std::int64_t took_ms) {
  if (living.empty()) return kIdleMs;
  std::int64_t wait = disk_is_low ? kLookOnFullDiskMs : kLookMs;
  for (const LogGrowth& each : living) {
    wait = std::min(wait, each.age_ms);
    if (each.grown <= 0) continue;
    const std::int64_t slack = disk_is_low ? 0 : each.most / kSlackShare;
    const auto may_grow =
        static_cast<double>(std::max<std::int64_t>(each.most - each.used, 0) + slack);
    const double until = may_grow * static_cast<double>(std::max<std::int64_t>(each.over_ms, 1)) /
                         static_cast<double>(each.grown);
    if (until < static_cast<double>(wait)) wait = static_cast<std::int64_t>(until);
  }
  return std::max({wait, kLookSoonestMs, kLookShare * took_ms});
}

std::int64_t next_log_list_ms(std::int64_t took_ms) {
  return std::max(kListMs, kListShare * took_ms);
}

DroppedLogs DroppedLogs::parse(std::string_view text) {
  const std::size_t space = text.find(' '), end = text.find('\n');
  if (space == std::string_view::npos || end == std::string_view::npos || end < space) return {};
  const auto count = parse_integer(text.substr(0, space));
  const auto last_run = parse_integer(text.substr(space + 1, end - space - 1));
  return count && last_run ? DroppedLogs{*count, *last_run} : DroppedLogs();
}

std::string DroppedLogs::print() const {
  return std::to_string(count) + " " + std::to_string(last_run) + "\n";
}

DroppedLogs DroppedLogs::with(std::int64_t run) const {
  return {count + 1, std::max(last_run, run)};
}

std::string why_no_log(const std::string& instance, std::int64_t run, const DroppedLogs& dropped) {
  const std::string number = std::to_string(run);
  if (run > dropped.last_run) return instance + " has no log of run " + number;
  return "the log of run " + number + " of " + instance +
         " is gone: the oldest go first, beyond --log-max and --logs-total; " +
         std::to_string(dropped.count) + " of its logs went so";
}

std::optional<LogName> parse_log_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view instance = name.substr(0, dot);
  const auto run = parse_integer(name.substr(dot + 1));
  if (!run || *run < 1 || !parse_instance_name(instance)) return std::nullopt;
  return LogName{std::string(instance), *run};
}

}  // namespace dm::worker
