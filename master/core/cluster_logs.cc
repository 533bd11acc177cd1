// Logs: of one instance as it is, of an app's instances woven into one text.
#include <algorithm>

#include "common/names.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

// A worker sends 64 logs at once, to everybody; what a merge holds of each is bounded too.
constexpr int kMostOfWorker = 48;
constexpr std::size_t kMostWoven = 256;

}  // namespace

void Cluster::do_logs(Request& request, const Command&, Now now) {
  const std::string& name = request.invocation.operands.front();
  const auto found = state_.instances.find(name);
  if (found == state_.instances.end()) {
    const std::string app = name.starts_with("app/") ? name.substr(4) : name;
    const auto names = instances_of(app);
    if (!names.empty()) return weave_logs(request, names, now);
    if (!state_.apps.contains(app) || state_.apps.at(app).current.empty())
      return refuse(request, no_such("app or instance", name));
    return refuse(request, fail(Code::kNotFound, app + " has no instance yet"));
  }
  if (const auto gone = away(found->second.worker)) return show_kept_log(request, name, *gone);
  request.tried = request.waiting = 1;
  ask_log(request, name, std::nullopt, now);
}

// The youngest ones, if they are too many. Whatever is missing makes it a partial answer.
void Cluster::weave_logs(Request& request, const std::vector<std::string>& names, Now now) {
  for (const char* option : {"-p", "--run"})
    if (request.invocation.has(option))
      return refuse(request, fail(Code::kBadArg, std::string(option) +
                                                     " is for one instance, and each counts its "
                                                     "own runs; this app's are " +
                                                     fold_names(names)));
  std::vector<std::string> woven;
  std::map<std::string, int> of_worker;
  std::size_t width = 0;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const std::string& worker = state_.instances.at(*name).worker;
    if (woven.size() >= kMostWoven || ++of_worker[worker] > kMostOfWorker) continue;
    woven.push_back(*name);
    width = std::max(width, name->size());
  }
  std::reverse(woven.begin(), woven.end());
  const RequestId id = request.id;
  const std::size_t left_out = names.size() - woven.size();
  request.tried = request.waiting = static_cast<int>(woven.size()) + (left_out > 0 ? 1 : 0);
  request.width = width;
  std::vector<std::pair<std::string, Error>> missing;
  for (const std::string& name : woven) {
    const auto gone = away(state_.instances.at(name).worker);
    if (!gone)
      request.to_weave.push_back(name);
    else if (const auto error = begin_kept_log(request, name, *gone))
      missing.emplace_back(name, *error);
  }
  if (request.tails_awaited == 0) weave_living(request, now);
  // The last calls: they may end the request.
  for (const auto& [name, error] : missing) done_one(id, name, error, now);
  if (left_out > 0)
    done_one(id, std::to_string(left_out) + " older instances",
             fail(Code::kBusy, "left out: " + std::to_string(kMostOfWorker) + " of a worker and " +
                                   std::to_string(kMostWoven) + " in all are read at once"),
             now);
}

std::string Cluster::weave_prefix(const Request& request, const std::string& name) {
  return name + std::string(request.width - name.size(), ' ') + " | ";
}

// What is kept of those that are gone stands first: it has no times by which it could be woven in.
std::optional<Error> Cluster::begin_kept_log(Request& request, const std::string& name,
                                             const Error& gone) {
  if (!tails_.has(name)) return fail(gone.code, gone.message + ": its log is missing");
  for (const char* option : {"--since", "-t"})
    if (request.invocation.has(option)) return not_kept_for(option, gone);
  ++request.tails_awaited;
  out_.push_back(ReadTail{request.id, name});
  return std::nullopt;
}

void Cluster::weave_kept(Request& request, const TailRead& read, Now now) {
  const RequestId id = request.id;
  std::string why = why_away(read.instance) + ": its log is missing";
  if (read.tail) {
    why = why_kept(*read.tail) + ", are all of its log that is here";
    std::string text;
    std::string_view rest = last_lines(read.tail->text, request.invocation.number("-n", INT64_MAX));
    while (!rest.empty()) {
      const std::size_t length = std::min(rest.find('\n'), rest.size());
      text.append(weave_prefix(request, read.instance)).append(rest.substr(0, length));
      text += '\n';
      rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    out(id, std::move(text));
  }
  if (--request.tails_awaited == 0) weave_living(request, now);
  done_one(id, read.instance, fail(Code::kLost, why), now);
}

void Cluster::weave_living(Request& request, Now now) {
  const RequestId id = request.id;
  std::vector<std::string> gone;
  for (const std::string& name : std::exchange(request.to_weave, {})) {
    const auto found = state_.instances.find(name);
    if (found == state_.instances.end() || away(found->second.worker)) {
      gone.push_back(name);
      continue;
    }
    Weave weave;
    weave.name = name;
    weave.prefix = weave_prefix(request, name);
    weave.stamps = request.invocation.has("-t");
    weave.follows = request.invocation.has("-f");
    ask_log(request, name, std::move(weave), now);
  }
  for (const std::string& name : gone)
    done_one(id, name, fail(Code::kLost, why_away(name) + ": its log is missing"), now);
}

void Cluster::ask_log(const Request& request, const std::string& name, std::optional<Weave> weave,
                      Now now) {
  const Invocation& words = request.invocation;
  Order order;
  order.worker = state_.instances.at(name).worker;
  order.kind = OrderKind::kLog;
  order.request = request.id;
  order.instance = name;
  order.patience_ms = -1;
  order.line = Line("LOG").add("instance", name);
  if (words.has("-f")) order.line.add("follow", 1);
  if (words.has("-p")) order.line.add("previous", 1);
  if (const auto run = words.value("--run")) order.line.add("run", *run);
  if (const auto lines = words.value("-n")) order.line.add("lines", *lines);
  if (words.has("--since")) order.line.add("since_ms", words.ago_ms("--since", now.wall_ms));
  if (words.has("-t") || weave) order.line.add("stamp", 1);
  send_log(std::move(order), std::move(weave), std::nullopt, now);
}

void Cluster::send_log(Order order, std::optional<Weave> weave, std::optional<Tail> tail, Now now) {
  const RequestId request = order.request;
  const std::string worker = order.worker;
  const std::size_t before = out_.size();
  const std::string id = send_order(std::move(order), now);
  // Before the order itself, so that no stream can come unexpected.
  out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(before),
              ExpectStream{request, id, worker, std::move(weave), std::move(tail)});
}

// OK comes when the worker has sent the last byte, which may still be on its way to us: the
// stream's own end finishes the request. An error means that no stream will come.
void Cluster::settled_log(const Order& order, const Line&, const std::optional<Error>& error,
                          Now now) {
  if (!error) {
    out_.push_back(StreamDue{order.id});
    return keep(order);
  }
  out_.push_back(DropStream{order.id});
  log_is_through(order, error, now);
}

void Cluster::handle(const StreamEnded& ended, Now now) {
  const std::size_t dot = ended.order.rfind('.') + 1;
  const auto order = take_order(parse_integer(ended.order.substr(dot)).value_or(0));
  if (order) log_is_through(*order, ended.error, now);
}

void Cluster::log_is_through(const Order& order, const std::optional<Error>& error, Now now) {
  if (order.request != 0) return done_one(order.request, order.instance, error, now);
  tail_is_through(order, error, now);
}

}  // namespace dm::master
