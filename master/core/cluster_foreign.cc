// What workers have that no record speaks of: it is left alone, listed, and said.
#include "common/names.h"
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostForeign = 1000;
constexpr std::int64_t kMostSkipped = 100'000;
// What workers say takes no number above: so many launches are left that nobody but operators, and
// what they have launched, can use up.
constexpr std::int64_t kMostHeard = 900'000'000;
constexpr std::size_t kMostState = 32;  // bytes

}  // namespace

// Left alone, and listed. Its name must never be given to another: the worker would take the
// launch for one that it has answered already.
void Cluster::on_foreign(WorkerView& worker, const std::string& name, const Line& line) {
  const auto parsed = parse_instance_name(name);
  if (!parsed || !is_app_name(parsed->app)) return;
  const bool is_new = !worker.synced && worker.foreign.size() < kMostForeign;
  if (!is_new && !worker.foreign.contains(name)) return;
  worker.foreign[name] = {std::string(line.text("state").substr(0, kMostState)),
                          figure(line, "pid"), figure(line, "run").value_or(0)};
  const auto app = state_.apps.find(parsed->app);
  const std::int64_t next = app == state_.apps.end() ? 1 : app->second.next_number;
  // A worker may not use up the numbers of an app either.
  if (parsed->number < next || parsed->number > next + kMostSkipped) return;
  if (parsed->number >= kMostHeard) return;
  record(Line("APP").add("app", parsed->app).add("next", parsed->number + 1));
}

// When it has told all and is known to be a worker: of a name that somebody tried nothing is
// remembered, so that it could be said again and again.
void Cluster::tell_foreign(WorkerView& worker, Now now) {
  if (!worker.synced || !worker.beaten) return;
  std::set<std::string> names;
  for (const auto& [name, foreign] : worker.foreign) names.insert(name);
  const ForeignNotices::News news = worker.foreign_notices.tell(names, now.mono_ms);
  for (const std::string& name : news.named) {
    ClusterEvent event;
    event.kind = "foreign";
    event.worker = worker.name;
    event.instance = name;
    event.text =
        "worker " + worker.name + " has " + name + ", of which no record speaks: it is left alone";
    out_.push_back(Say{event.text});
    happened(std::move(event), now);
  }
  if (news.more > 0)
    say("worker " + worker.name + " has named " + std::to_string(news.more) +
            " more instances of which no record speaks; 'describe " + worker.name +
            "' lists those it runs",
        now);
}

}  // namespace dm::master
