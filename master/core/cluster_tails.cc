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

void Cluster::ask_tails(Now now) {
  while (const auto name = tail_queue_.next(now.mono_ms)) {
    const auto found = state_.instances.find(*name);
    if (found == state_.instances.end() || !found->second.last_end) continue;
    const Placement& placement = found->second;
    // What never began has no log. Who is away is not waited for: this one is soon lost.
    const auto view = workers_.find(placement.worker);
    const bool is_here = view != workers_.end() && view->second.session != 0;
    if (!placement.last_end->started_ms || !is_here) {
      tail_queue_.done(placement.worker);
      continue;
    }
    ask_tail(*name, placement, now);
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

void Cluster::handle(const TailStored& stored, Now) {
  if (!stored.stored) {
    ++tails_lost_;
    return;
  }
  if (!state_.instances.contains(stored.instance))
    return out_.push_back(DropTails{{stored.instance}});
  std::vector<std::string> gone = tails_.add(stored.instance, stored.bytes);
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
    if (request.invocation.has(option))
      return refuse(request, fail(gone.code, gone.message + "; the end of its log is kept here, " +
                                                 "but not for " + option));
  read_tail(request, name);
}

void Cluster::read_tail(Request& request, const std::string& name) {
  request.tried = request.waiting = 1;
  out_.push_back(ReadTail{request.id, name});
}

void Cluster::handle(const TailRead& read, Now now) {
  const Request* request = find_request(read.request);
  if (request == nullptr) return;
  std::optional<Error> error;
  if (request->invocation.command->name == "describe")
    describe_tail(*request, read);
  else
    error = print_kept_log(*request, read, now);
  done_one(read.request, read.instance, error, now);
}

std::optional<Error> Cluster::print_kept_log(const Request& request, const TailRead& read,
                                             Now now) {
  const auto placement = state_.instances.find(read.instance);
  if (placement == state_.instances.end()) return no_such("instance", read.instance);
  const auto gone = away(placement->second.worker);
  const std::string why = gone ? gone->message : "worker " + placement->second.worker + " was lost";
  if (!read.tail) return fail(Code::kLost, why);
  const Invocation& words = request.invocation;
  const std::int64_t before = row(read.instance, now).run - (words.has("-p") ? 1 : 0);
  const bool any = !words.has("-p") && !words.has("--run");
  if (!any && words.number("--run", before) != read.tail->run)
    return fail(Code::kLost, why + "; the end of the log of run " + std::to_string(read.tail->run) +
                                 " is all that is kept here");
  note(request.id, why + ": the last " + std::to_string(read.tail->text.size()) + " bytes of run " +
                       std::to_string(read.tail->run) + ", as of " +
                       print_time_utc(read.tail->at_ms));
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
