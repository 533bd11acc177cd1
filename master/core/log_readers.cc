#include "master/core/log_readers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/escape.h"
#include "common/names.h"
#include "common/units.h"
#include "master/decide/phase.h"
#include "master/view/instance_row.h"

namespace dm::master {
namespace {

// A worker sends 64 logs at once, to everybody; what a merge holds of each is bounded too.
constexpr int kMostOfWorker = 48;
constexpr std::size_t kMostMerged = 256;
constexpr std::int64_t kLinesDescribed = 5;
constexpr std::size_t kMostOfLine = 200;

}  // namespace

void LogReaders::logs(Request& request, Now now) {
  const std::string& name = request.invocation.operands.front();
  const auto found = state_.instances.find(name);
  if (found == state_.instances.end()) {
    const std::string app = name.starts_with("app/") ? name.substr(4) : name;
    const auto names = state_.instances_of(app);
    if (!names.empty()) return merge_logs(request, names, now);
    if (!state_.apps.contains(app) || state_.apps.at(app).current.empty())
      return requests_.refuse(request, lookup_.no_such("app or instance", name));
    return requests_.refuse(request, fail(Code::kNotFound, app + " has no instance yet"));
  }
  if (const auto gone = facts_.roster.away(found->second.worker))
    return show_kept_log(request, name, *gone);
  request.tried = request.waiting = 1;
  ask_log(request, name, std::nullopt, now);
}

// The youngest ones, if they are too many. Whatever is missing makes it a partial answer.
void LogReaders::merge_logs(Request& request, const std::vector<std::string>& names, Now now) {
  for (const char* option : {"-p", "--run"})
    if (request.invocation.has(option))
      return requests_.refuse(request,
                              fail(Code::kBadArg, std::string(option) +
                                                      " is for one instance, and each counts its "
                                                      "own runs; this app's are " +
                                                      fold_names(names)));
  std::vector<std::string> merged;
  std::map<std::string, int> of_worker;
  std::size_t width = 0;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const std::string& worker = state_.instances.at(*name).worker;
    if (merged.size() >= kMostMerged || ++of_worker[worker] > kMostOfWorker) continue;
    merged.push_back(*name);
    width = std::max(width, name->size());
  }
  std::reverse(merged.begin(), merged.end());
  const RequestId id = request.id;
  const std::size_t left_out = names.size() - merged.size();
  request.tried = request.waiting = static_cast<int>(merged.size()) + (left_out > 0 ? 1 : 0);
  Merge& merge = merges_[id];
  merge.width = width;
  std::vector<std::pair<std::string, Error>> missing;
  for (const std::string& name : merged) {
    const auto gone = facts_.roster.away(state_.instances.at(name).worker);
    if (!gone)
      merge.living.push_back(name);
    else if (const auto error = begin_kept(request, merge, name, *gone))
      missing.emplace_back(name, *error);
  }
  if (merge.tails_awaited == 0) merge_living(request, now);
  // The last calls: they may end the request.
  for (const auto& [name, error] : missing) requests_.done_one(id, name, error, now);
  if (left_out > 0)
    requests_.done_one(
        id, std::to_string(left_out) + " older instances",
        fail(Code::kBusy, "left out: " + std::to_string(kMostOfWorker) + " of a worker and " +
                              std::to_string(kMostMerged) + " in all are read at once"),
        now);
}

std::string LogReaders::prefix(const Merge& merge, const std::string& name) {
  return name + std::string(merge.width - name.size(), ' ') + " | ";
}

// What is kept of those that are gone stands first: it has no times by which it could be merged in.
std::optional<Error> LogReaders::begin_kept(const Request& request, Merge& merge,
                                            const std::string& name, const Error& gone) {
  if (!tails_.has(name)) return fail(gone.code, gone.message + ": its log is missing");
  for (const char* option : {"--since", "-t"})
    if (request.invocation.has(option)) return not_kept_for(option, gone);
  ++merge.tails_awaited;
  out_.push_back(ReadTail{request.id, name});
  return std::nullopt;
}

void LogReaders::merge_kept(Request& request, Merge& merge, const TailRead& read, Now now) {
  const RequestId id = request.id;
  std::string why = why_away(read.instance) + ": its log is missing";
  if (read.tail) {
    why = why_kept(*read.tail) + ", are all of its log that is here";
    std::string text;
    std::string_view rest = last_lines(read.tail->text, request.invocation.number("-n", INT64_MAX));
    while (!rest.empty()) {
      const std::size_t length = std::min(rest.find('\n'), rest.size());
      text.append(prefix(merge, read.instance)).append(rest.substr(0, length));
      text += '\n';
      rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    requests_.out(id, std::move(text));
  }
  if (--merge.tails_awaited == 0) merge_living(request, now);
  requests_.done_one(id, read.instance, fail(Code::kLost, why), now);
}

void LogReaders::merge_living(Request& request, Now now) {
  const RequestId id = request.id;
  const Merge merge = std::exchange(merges_[id], {});
  merges_.erase(id);
  std::vector<std::string> gone;
  for (const std::string& name : merge.living) {
    const auto found = state_.instances.find(name);
    if (found == state_.instances.end() || facts_.roster.away(found->second.worker)) {
      gone.push_back(name);
      continue;
    }
    Weave weave;
    weave.name = name;
    weave.prefix = prefix(merge, name);
    weave.stamps = request.invocation.has("-t");
    weave.follows = request.invocation.has("-f");
    ask_log(request, name, std::move(weave), now);
  }
  for (const std::string& name : gone)
    requests_.done_one(id, name, fail(Code::kLost, why_away(name) + ": its log is missing"), now);
}

void LogReaders::ask_log(const Request& request, const std::string& name,
                         std::optional<Weave> weave, Now now) {
  const Invocation& words = request.invocation;
  if (words.has("-f") && !words.has("--run") && !words.has("-p"))
    followed_[{request.id, name}] = {row_of(facts_, name, now).run, weave};
  Order order = log_order(request, name, state_.instances.at(name).worker);
  if (words.has("-p")) order.line.add("previous", 1);
  if (const auto run = words.value("--run")) order.line.add("run", *run);
  if (const auto lines = words.value("-n")) order.line.add("lines", *lines);
  if (words.has("--since")) order.line.add("since_ms", words.ago_ms("--since", now.wall_ms));
  if (words.has("-t") || weave) order.line.add("stamp", 1);
  streams_.send(std::move(order), std::move(weave), std::nullopt, now);
}

Order LogReaders::log_order(const Request& request, const std::string& name,
                            const std::string& worker) {
  Order order;
  order.worker = worker;
  order.kind = OrderKind::kLog;
  order.request = request.id;
  order.instance = name;
  order.patience_ms = -1;
  order.line = Line("LOG").add("instance", name);
  if (request.invocation.has("-f")) order.line.add("follow", 1);
  return order;
}

// --- from run to run ---

// True if the request waits for the next run. pursue() looks whether there is one.
bool LogReaders::goes_on(const Order& order) {
  const FollowedKey key{order.request, order.instance};
  if (!followed_.contains(key)) return false;
  resting_.insert(key);
  return true;
}

LogReaders::Next LogReaders::next_of(const FollowedKey& key, const Followed& followed,
                                     Now now) const {
  const auto placement = state_.instances.find(key.second);
  if (placement == state_.instances.end() || placement->second.restart == Restart::kNo)
    return Next::kEnd;
  const InstanceRow row = row_of(facts_, key.second, now);
  if (row.run > followed.run) return Next::kRead;
  const bool is_over = !may_live(facts_, key.second) ||
                       placement->second.desired != Desired::kRunning ||
                       facts_.roster.away(placement->second.worker);
  return is_over ? Next::kEnd : Next::kWait;
}

void LogReaders::read_next_run(const FollowedKey& key, Followed& followed, Now now) {
  const Request& request = *requests_.find(key.first);
  ++followed.run;
  requests_.note(key.first, key.second + ": run " + std::to_string(followed.run) + " follows");
  Order order = log_order(request, key.second, state_.instances.at(key.second).worker);
  order.line.add("run", followed.run);
  if (request.invocation.has("-t") || followed.merge) order.line.add("stamp", 1);
  streams_.send(std::move(order), followed.merge, std::nullopt, now);
}

void LogReaders::pursue(Now now) {
  for (const FollowedKey& key : std::set<FollowedKey>(resting_)) {
    const auto found = followed_.find(key);
    const Next next = found == followed_.end() || requests_.find(key.first) == nullptr
                          ? Next::kEnd
                          : next_of(key, found->second, now);
    if (next == Next::kWait) continue;
    resting_.erase(key);
    if (next == Next::kRead) {
      read_next_run(key, found->second, now);
      continue;
    }
    followed_.erase(key);
    const auto placement = state_.instances.find(key.second);
    const auto error = placement == state_.instances.end()
                           ? std::nullopt
                           : facts_.roster.away(placement->second.worker);
    requests_.done_one(key.first, key.second, error, now);
  }
}

// OK comes when the worker has sent the last byte, which may still be on its way to us: the
// stream's own end finishes the request. An error means that no stream will come.
void LogReaders::settled(const Order& order, const std::optional<Error>& error, Now now) {
  if (!error) {
    out_.push_back(StreamDue{order.id});
    return orders_.keep(order);
  }
  out_.push_back(DropStream{order.id});
  log_is_through(order, error, now);
}

void LogReaders::handle(const StreamEnded& ended, Now now) {
  const auto order = orders_.take(orders_.number_of(ended.order));
  if (order) log_is_through(*order, ended.error, now);
}

void LogReaders::log_is_through(const Order& order, const std::optional<Error>& error, Now now) {
  if (order.request != 0) {
    if (!error && goes_on(order)) return;
    followed_.erase({order.request, order.instance});
    return requests_.done_one(order.request, order.instance, error, now);
  }
  tails_.is_through(order, error, now);
}

// The log of an instance whose worker is `gone`.
void LogReaders::show_kept_log(Request& request, const std::string& name, const Error& gone) {
  if (!tails_.has(name)) return requests_.refuse(request, gone);
  for (const char* option : {"-f", "--since", "-t"})
    if (request.invocation.has(option))
      return requests_.refuse(request, not_kept_for(option, gone));
  read_tail(request, name);
}

Error LogReaders::not_kept_for(const std::string& option, const Error& gone) {
  return fail(gone.code, gone.message + "; the end of its log is kept here, but not for " + option);
}

std::string LogReaders::why_away(const std::string& name) const {
  const auto placement = state_.instances.find(name);
  if (placement == state_.instances.end()) return name + " was deleted";
  const auto gone = facts_.roster.away(placement->second.worker);
  return gone ? gone->message : "worker " + placement->second.worker + " was lost";
}

std::string LogReaders::why_kept(const Tail& tail) const {
  return why_away(tail.instance) + ": the last " + std::to_string(tail.text.size()) +
         " bytes of run " + std::to_string(tail.run) + ", as of " + print_time_utc(tail.at_ms);
}

void LogReaders::read_tail(Request& request, const std::string& name) {
  request.tried = request.waiting = 1;
  out_.push_back(ReadTail{request.id, name});
}

void LogReaders::handle(const TailRead& read, Now now) {
  Request* request = requests_.find(read.request);
  const auto merge = merges_.find(read.request);
  if (request == nullptr) {
    if (merge != merges_.end()) merges_.erase(merge);
    return;
  }
  if (merge != merges_.end()) return merge_kept(*request, merge->second, read, now);
  std::optional<Error> error;
  if (request->invocation.command->id == CommandId::kDescribe)
    describe_tail(*request, read);
  else
    error = print_kept_log(*request, read, now);
  requests_.done_one(read.request, read.instance, error, now);
}

std::optional<Error> LogReaders::print_kept_log(const Request& request, const TailRead& read,
                                                Now now) {
  if (!state_.instances.contains(read.instance)) return lookup_.no_such("instance", read.instance);
  const std::string why = why_away(read.instance);
  if (!read.tail) return fail(Code::kLost, why);
  const Invocation& words = request.invocation;
  const std::int64_t before = row_of(facts_, read.instance, now).run - (words.has("-p") ? 1 : 0);
  const bool any = !words.has("-p") && !words.has("--run");
  if (!any && words.number("--run", before) != read.tail->run)
    return fail(Code::kLost, why + "; the end of the log of run " + std::to_string(read.tail->run) +
                                 " is all that is kept here");
  requests_.note(request.id, why_kept(*read.tail));
  requests_.out(request.id,
                std::string(last_lines(read.tail->text, words.number("-n", INT64_MAX))));
  return std::nullopt;
}

void LogReaders::describe_tail(const Request& request, const TailRead& read) {
  if (!read.tail || read.tail->text.empty()) return;
  std::string text = "Last lines of run " + std::to_string(read.tail->run) + ":\n";
  std::string_view rest = last_lines(read.tail->text, kLinesDescribed);
  while (!rest.empty()) {
    const std::size_t length = std::min(rest.find('\n'), rest.size());
    text += "  " + escape_for_terminal(rest.substr(0, std::min(length, kMostOfLine)));
    text += length > kMostOfLine ? "...\n" : "\n";
    rest.remove_prefix(std::min(length + 1, rest.size()));
  }
  requests_.out(request.id, std::move(text));
}

void LogReaders::cancel(RequestId request) {
  std::erase_if(followed_, [&](const auto& entry) { return entry.first.first == request; });
  std::erase_if(resting_, [&](const FollowedKey& key) { return key.first == request; });
  for (const std::int64_t number : orders_.logs_of(request)) {
    const auto order = orders_.take(number);
    const WorkerView* view = facts_.roster.find(order->worker);
    if (view != nullptr && view->session != 0)
      out_.push_back(ToSession{view->session, Line("CANCEL").add("id", order->id)});
    out_.push_back(DropStream{order->id});
  }
}

}  // namespace dm::master
