#include "master/core/unrecorded.h"

#include <algorithm>
#include <utility>

#include "common/names.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostForeign = 1000;
constexpr std::int64_t kMostSkipped = 100'000;
// What workers say takes no number above: so many launches are left that nobody but operators, and
// what they have launched, can use up.
constexpr std::int64_t kMostHeardNumber = 900'000'000;
constexpr std::size_t kMostHeardApps = 1000;  // of all workers together
constexpr std::size_t kMostState = 32;        // bytes

}  // namespace

// Left alone, and listed.
void Unrecorded::hear(WorkerView& worker, const std::string& name, const Line& line) {
  const auto parsed = parse_instance_name(name);
  if (!parsed || !is_app_name(parsed->app)) return;
  const bool is_new = !worker.synced && worker.foreign.size() < kMostForeign;
  if (!is_new && !worker.foreign.contains(name)) return;
  worker.foreign[name] = {std::string(line.text("state").substr(0, kMostState)),
                          figure(line, "pid"), figure(line, "run").value_or(0)};
}

// For each app the highest number among them that is news and may be believed: a worker must not
// use up the numbers of an app.
std::map<std::string, std::int64_t> Unrecorded::numbers_of(const WorkerView& worker) const {
  std::map<std::string, std::int64_t> highest;
  for (const auto& [name, foreign] : worker.foreign) {
    const auto parsed = parse_instance_name(name);
    const std::int64_t next = state_.next_number(parsed->app);
    if (parsed->number < next || parsed->number > next + kMostSkipped) continue;
    if (parsed->number >= kMostHeardNumber) continue;
    std::int64_t& number = highest[parsed->app];
    number = std::max(number, parsed->number);
  }
  return highest;
}

// Once a session, when it has told all and is known.
//
// Their names must never be given to others: the worker would take the launch for one that it has
// answered already. What is beyond measure is left to itself: it is only this worker's loss.
void Unrecorded::learn_numbers(WorkerView& worker, Now now) {
  int left_out = 0;
  for (const auto& [app, number] : numbers_of(worker)) {
    const bool is_registered = state_.apps.contains(app);
    const bool is_new = !is_registered && !state_.heard.contains(app);
    if ((is_new && state_.heard.size() >= kMostHeardApps) || !worker.numbers.take(now.mono_ms)) {
      ++left_out;
      continue;
    }
    Line line(is_registered ? "APP" : "HEARD");
    line.add("app", app).add("next", number + 1);
    recorder_.record(is_registered ? line : line.add("worker", worker.name));
  }
  if (left_out == 0 || std::exchange(worker.numbers_left_out, true)) return;
  recorder_.log("worker " + worker.name + " has instances of " + std::to_string(left_out) +
                    " more apps than are remembered: they are shown as long as it is here",
                now);
}

// When it has told all and is known to be a worker: of a name that somebody tried nothing is
// remembered, so that it could be said again and again.
void Unrecorded::tell(WorkerView& worker, Now now) {
  if (!worker.synced || !worker.beaten) return;
  std::set<std::string> names;
  for (const auto& [name, foreign] : worker.foreign) names.insert(name);
  const UnrecordedNotices::News news = worker.foreign_notices.tell(names, now.mono_ms);
  for (const std::string& name : news.named) {
    ClusterEvent event;
    event.kind = "foreign";
    event.worker = worker.name;
    event.instance = name;
    event.text =
        "worker " + worker.name + " has " + name + ", of which no record speaks: it is left alone";
    out_.push_back(Say{event.text});
    recorder_.emit(std::move(event), now);
  }
  if (news.more > 0)
    recorder_.log("worker " + worker.name + " has named " + std::to_string(news.more) +
                      " more instances of which no record speaks; 'describe " + worker.name +
                      "' lists those it runs",
                  now);
}

}  // namespace dm::master
