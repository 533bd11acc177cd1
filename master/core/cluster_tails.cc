// The ends of logs that are kept here, for the day when their worker is gone.
#include <algorithm>

#include "common/escape.h"
#include "common/units.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::int64_t kPatienceMs = 15'000;
constexpr std::int64_t kLinesDescribed = 5;
constexpr std::size_t kMostOfLine = 200;

}  // namespace

// What never began has no log. Who is away is asked when it is back.
void Cluster::ask_tails(Now now) {
  while (const auto name = tail_queue_.next(now.mono_ms)) {
    const auto found = state_.instances.find(*name);
    if (found == state_.instances.end()) continue;
    const Placement& placement = found->second;
    const auto view = workers_.find(placement.worker);
    const bool listens = view != workers_.end() && view->second.synced && !away(placement.worker);
    if (listens && placement.last_end && placement.last_end->started_ms)
      ask_tail(*name, placement, now);
    else
      tail_queue_.done(placement.worker);
  }
}

// It is back, or so are we: what ended meanwhile, and what was cut.
void Cluster::want_missing_tails(const WorkerView& worker, Now now) {
  for (const auto& [name, placement] : state_.instances) {
    if (placement.worker != worker.name || !placement.last_end) continue;
    const RunEnd& end = *placement.last_end;
    if (end.started_ms && tails_.lacks(name, end.run, end.ended_ms.value_or(0)))
      tail_queue_.want(name, worker.name, now.mono_ms);
  }
}

void Cluster::ask_tail(const std::string& name, const Placement& placement, Now now) {
  Tail tail;
  tail.instance = name;
  tail.worker = placement.worker;
  tail.run = placement.last_end->run;
  tail.at_ms = now.wall_ms;
  Order order;
  order.worker = placement.worker;
  order.kind = OrderKind::kLog;
  order.instance = name;
  order.patience_ms = kPatienceMs;
  order.line = Line("LOG").add("instance", name).add("run", tail.run);
  order.line.add("tail_bytes", Tail::kMostBytes);
  send_log(std::move(order), std::nullopt, std::move(tail), now);
}

// What came with the report of an end, in case nobody can be asked for the rest.
void Cluster::keep_tail(const std::string& name, const WorkerView& worker, const Line& exited,
                        Now now) {
  Tail tail;
  tail.instance = name;
  tail.worker = worker.name;
  tail.run = exited.number_or("run", 0);
  tail.at_ms = now.wall_ms;
  tail.text = exited.text("tail");
  tail.part = true;
  out_.push_back(KeepTail{std::move(tail)});
}

// Its worker says that there is no such log: it will never be had. Any other failure may pass.
void Cluster::tail_is_through(const Order& order, const std::optional<Error>& error, Now now) {
  const std::int64_t run = order.line.number_or("run", 0);
  if (error && error->code == Code::kNotFound) {
    tails_.is_unavailable(order.instance, run);
    ++tails_lost_;
  }
  if (!error || error->code == Code::kNotFound)
    tail_queue_.done(order.worker);
  else if (!tail_queue_.failed(order.worker, now.mono_ms))
    ++tails_lost_;
  ask_tails(now);
}

void Cluster::handle(const TailStored& stored, Now) {
  const auto found = state_.instances.find(stored.instance);
  if (found == state_.instances.end()) return out_.push_back(DropTails{{stored.instance}});
  const auto& end = found->second.last_end;
  const bool is_last = end && (end->run == stored.run || stored.run == 0);
  std::vector<std::string> gone = tails_.add(stored.instance, stored.run,
                                             is_last ? end->ended_ms.value_or(0) : 0, stored.bytes);
  tails_lost_ += static_cast<std::int64_t>(gone.size());
  if (!gone.empty()) out_.push_back(DropTails{std::move(gone)});
}

// After instances have gone: what is kept of them goes as well.
void Cluster::forget_tails() {
  for (const std::string& name : tail_queue_.names())
    if (!state_.instances.contains(name)) tail_queue_.forget(name);
  std::vector<std::string> gone = tails_.names();
  std::erase_if(gone, [&](const std::string& name) { return state_.instances.contains(name); });
  for (const std::string& name : gone) tails_.remove(name);
  if (!gone.empty()) out_.push_back(DropTails{std::move(gone)});
}

// --- reading them ---

// The log of an instance whose worker is `gone`.
void Cluster::show_kept_log(Request& request, const std::string& name, const Error& gone) {
  if (!tails_.has(name)) return refuse(request, gone);
  for (const char* option : {"-f", "--since", "-t"})
    if (request.invocation.has(option)) return refuse(request, not_kept_for(option, gone));
  read_tail(request, name);
}

Error Cluster::not_kept_for(const std::string& option, const Error& gone) {
  return fail(gone.code, gone.message + "; the end of its log is kept here, but not for " + option);
}

std::string Cluster::why_away(const std::string& name) const {
  const auto placement = state_.instances.find(name);
  if (placement == state_.instances.end()) return name + " was deleted";
  const auto gone = away(placement->second.worker);
  return gone ? gone->message : "worker " + placement->second.worker + " was lost";
}

std::string Cluster::why_kept(const Tail& tail) const {
  return why_away(tail.instance) + ": the last " + std::to_string(tail.text.size()) +
         " bytes of run " + std::to_string(tail.run) + ", as of " + print_time_utc(tail.at_ms);
}

void Cluster::read_tail(Request& request, const std::string& name) {
  request.tried = request.waiting = 1;
  out_.push_back(ReadTail{request.id, name});
}

void Cluster::handle(const TailRead& read, Now now) {
  Request* request = find_request(read.request);
  if (request == nullptr) return;
  if (request->tails_awaited > 0) return weave_kept(*request, read, now);
  std::optional<Error> error;
  if (request->invocation.command->name == "describe")
    describe_tail(*request, read);
  else
    error = print_kept_log(*request, read, now);
  done_one(read.request, read.instance, error, now);
}

std::optional<Error> Cluster::print_kept_log(const Request& request, const TailRead& read,
                                             Now now) {
  if (!state_.instances.contains(read.instance)) return no_such("instance", read.instance);
  const std::string why = why_away(read.instance);
  if (!read.tail) return fail(Code::kLost, why);
  const Invocation& words = request.invocation;
  const std::int64_t before = row(read.instance, now).run - (words.has("-p") ? 1 : 0);
  const bool any = !words.has("-p") && !words.has("--run");
  if (!any && words.number("--run", before) != read.tail->run)
    return fail(Code::kLost, why + "; the end of the log of run " + std::to_string(read.tail->run) +
                                 " is all that is kept here");
  note(request.id, why_kept(*read.tail));
  out(request.id, std::string(last_lines(read.tail->text, words.number("-n", INT64_MAX))));
  return std::nullopt;
}

void Cluster::describe_tail(const Request& request, const TailRead& read) {
  if (!read.tail || read.tail->text.empty()) return;
  std::string text = "Last lines of run " + std::to_string(read.tail->run) + ":\n";
  std::string_view rest = last_lines(read.tail->text, kLinesDescribed);
  while (!rest.empty()) {
    const std::size_t length = std::min(rest.find('\n'), rest.size());
    text += "  " + escape_for_terminal(rest.substr(0, std::min(length, kMostOfLine)));
    text += length > kMostOfLine ? "...\n" : "\n";
    rest.remove_prefix(std::min(length + 1, rest.size()));
  }
  out(request.id, std::move(text));
}

}  // namespace dm::master
