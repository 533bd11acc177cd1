// The audit trail: every run that ended, and what retention has cut.
#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {

// REQUIRES that the instance is placed. With `seq`, its worker has numbered the report.
void Cluster::record_end(const std::string& instance, const RunEnd& end,
                         std::optional<std::int64_t> seq, Now now) {
  Line line = print_end(instance, end);
  line.add("at", now.wall_ms).add("worker", state_.instances.at(instance).worker);
  if (seq) line.add("seq", *seq);
  const std::string& replaces = state_.instances.at(instance).replaces;
  if (!replaces.empty()) line.add("replaces", replaces);
  record(line);
  forget_soon(now);
}

void Cluster::do_history(Request& request, const Command&, Now now) {
  const Invocation& asked = request.invocation;
  HistoryFilter filter;
  if (!asked.operands.empty() && asked.operands.front() != "all") {
    filter.name = asked.operands.front();
    if (filter.name.starts_with("app/")) filter.name = filter.name.substr(4);
  }
  if (asked.has("--since"))
    filter.since_wall_ms = now.wall_ms - asked.ago_ms("--since", now.wall_ms);
  filter.most = asked.number("-n", filter.most);
  filter.json = asked.has("--json");
  request.tried = request.waiting = 1;
  filter.from = state_.cuts.before;
  out_.push_back(ReadHistory{request.id, std::move(filter), state_.cuts.runs});
}

void Cluster::handle(const HistoryRead& read, Now now) {
  Request* request = find_request(read.request);
  if (request == nullptr) return;
  const auto count = [](std::int64_t number, std::string_view what) {
    return std::to_string(number) + " " + std::string(what) + (number == 1 ? "" : "s");
  };
  if (read.cut_runs > 0)
    note(read.request, count(read.cut_runs, "older run") + " were cut (--history-max " +
                           print_bytes(options_.history_max_bytes) + ")");
  if (read.older > 0)
    note(read.request, count(read.older, "older run") +
                           " are too many for one answer; name an app, or give -n or --since");
  if (read.damaged > 0 || read.unreadable > 0)
    note(read.request, "the history is damaged: " + count(read.damaged, "line") + " and " +
                           count(read.unreadable, "file") + " could not be read");
  std::optional<Error> error;
  std::string name =
      request->invocation.operands.empty() ? "all" : request->invocation.operands.front();
  if (name.starts_with("app/")) name = name.substr(4);
  const bool known = name == "all" || state_.instances.contains(name) || state_.apps.contains(name);
  if (read.rows == 0 && !known) error = no_such("app or instance", name);
  if (!error) out(read.request, read.text);
  done_one(read.request, "history", error, now);
}

void Cluster::handle(const HistoryCut& cut, Now) {
  // Another one was quicker, and what it has counted may be counted here too.
  if (cut.from != state_.cuts.before) return;
  if (cut.before > state_.cuts.before) {
    HistoryCuts sums = state_.cuts;
    sums.before = cut.before;
    sums.runs += cut.runs;
    sums.records += cut.records;
    sums.bytes += cut.bytes;
    record(print_cuts(sums));
  }
  out_.push_back(DropHistory{state_.cuts.before});
}

}  // namespace dm::master
