// The master's core under anything: thousands of random events, seeded. It never crashes, every
// command is finished once and in the end, and the journal rebuilds what it knew.
#include <algorithm>
#include <map>

#include "common/random.h"
#include "common/shell_words.h"
#include "master/state/snapshot.h"
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;
using namespace dm::master;
using namespace dm::test;

namespace {

constexpr int kWorkers = 4;
constexpr const char* kVersion = "0000000000000000000000000000000000000000000000000000000000000001";

PackageInfo package_of(const std::string& app, char content) {
  PackageInfo package;
  package.version = kVersion;
  package.version.back() = content;
  package.version.front() = app.front();
  package.manifest.app = package.manifest.exe = app;
  package.manifest.files.push_back({FileKind::kExe, app, std::string(64, content), 1, 0755});
  return package;
}

std::string snapshot_of(const Cluster& cluster) {
  std::string text;
  for (const Line& record : snapshot(cluster.state())) text += record.print();
  return text;
}

class Storm {
 public:
  explicit Storm(std::uint64_t seed) : random_(seed), cluster_(options()) { cluster_.begin(now_); }

  void blow(int events) {
    for (int i = 0; i < events; ++i) {
      one_event();
      take_slices();
    }
  }

  // Everybody goes silent: whoever waits must be told.
  void calm() {
    for (int i = 0; i < 20; ++i) tick(100'000);
    while (!reads_.empty()) read_history();
    for (const auto& order : streams_) feed(master::StreamEnded{order, std::nullopt});
    for (const auto& [request, times] : finished_)
      if (times == 0 && follows_.contains(request)) feed(Cancel{request});
    for (const auto& [request, times] : finished_)
      CHECK_EQ(words_.at(request) + " is finished " + std::to_string(times),
               words_.at(request) + " is finished 1");
    CHECK_EQ(cluster_.next_deadline() == INT64_MAX || cluster_.next_deadline() > now_.mono_ms,
             true);
  }

  void check_journal() {
    Cluster again(options());
    for (const Line& record : journal_) CHECK(again.replay(record).has_value());
    CHECK_EQ(snapshot_of(again), snapshot_of(cluster_));
    Cluster shortened(options());
    for (const Line& record : snapshot(cluster_.state()))
      CHECK(shortened.replay(record).has_value());
    CHECK_EQ(snapshot_of(shortened), snapshot_of(cluster_));
  }

  // How many snapshots were taken while events came.
  int snapshots() const { return snapshots_; }

 private:
  // Now and then a slice, from a few records to all of them; at the end, with every record since
  // the first slice behind them, they must give the state of now.
  void take_slices() {
    if (!walk_) {
      if (pick(10) != 0) return;
      walk_.emplace();
      slices_.clear();
      records_before_ = journal_.size();
    }
    if (pick(3) == 0)
      for (Line& record : walk_->next(cluster_.state(), 1 + static_cast<std::size_t>(pick(6))))
        slices_.push_back(std::move(record));
    if (!walk_->is_done()) return;
    walk_.reset();
    ++snapshots_;
    Cluster again(options());
    for (const Line& record : slices_) CHECK(again.replay(record).has_value());
    for (std::size_t i = records_before_; i < journal_.size(); ++i)
      CHECK(again.replay(journal_[i]).has_value());
    CHECK_EQ(snapshot_of(again), snapshot_of(cluster_));
  }

  static ClusterOptions options() {
    ClusterOptions options;
    options.epoch = "e";
    return options;
  }

  int pick(int count) { return static_cast<int>(random_.next() % static_cast<unsigned>(count)); }
  template <typename T, std::size_t N>
  const T& any(const T (&values)[N]) {
    return values[pick(static_cast<int>(N))];
  }
  std::string worker() { return "w" + std::to_string(1 + pick(kWorkers)); }
  std::string app() { return pick(2) == 0 ? "web" : "api"; }
  std::string instance() { return app() + "." + std::to_string(1 + pick(12)); }

  void feed(const Event& event) {
    for (const Effect& effect : cluster_.on(event, now_)) {
      if (const auto* append = std::get_if<Append>(&effect)) journal_.push_back(append->record);
      if (const auto* finish = std::get_if<Finish>(&effect)) ++finished_.at(finish->request);
      if (const auto* out = std::get_if<Out>(&effect)) CHECK_EQ(finished_.at(out->request), 0);
      if (const auto* read = std::get_if<ReadHistory>(&effect)) reads_.push_back(read->request);
      if (const auto* stream = std::get_if<ExpectStream>(&effect)) streams_.insert(stream->order);
      if (const auto* order = std::get_if<ToSession>(&effect); order && order->line.has("id"))
        orders_[order->session].push_back(order->line);
    }
  }

  void tick(std::int64_t ms) {
    now_.mono_ms += ms;
    now_.wall_ms += ms;
    if (cluster_.next_deadline() <= now_.mono_ms) feed(Tick{});
    CHECK(cluster_.next_deadline() > now_.mono_ms);
  }

  void command() {
    std::string words = any({"launch web",
                             "launch api --count 3 --restart always",
                             "launch WEB",
                             "stop I",
                             "stop I I --timeout 1s --no-kill",
                             "kill I",
                             "stop all",
                             "kill web",
                             "start I",
                             "start I I",
                             "logs I -f",
                             "logs I",
                             "ps --all",
                             "usage --json",
                             "delete web",
                             "delete api --force",
                             "delete web --force",
                             "delete web --from W",
                             "workers forget W",
                             "events",
                             "history web",
                             "history",
                             "events -f",
                             "describe I",
                             "describe W",
                             "workers",
                             "launch web --on W",
                             "copy ./web",
                             "copy ./api --to all",
                             "launch ./api",
                             "ps W",
                             "names"});
    std::size_t at = 0;
    while ((at = words.find(" I")) != std::string::npos) words.replace(at, 2, " " + instance());
    while ((at = words.find(" W")) != std::string::npos) words.replace(at, 2, " " + worker());
    const auto invocation = parse_invocation(*split_words(words));
    if (!invocation) return;
    const RequestId request = next_request_++;
    finished_[request] = 0;
    words_[request] = words;
    if (invocation->has("-f")) follows_.insert(request);
    Command command{request, *invocation, {"ann", "unix"}, std::nullopt};
    if (needs_files(*invocation)) {
      const std::string name = words.find("web") != std::string::npos ? "web" : "api";
      command.package = package_of(name, pick(3) == 0 ? '2' : '1');
    }
    feed(command);
  }

  void session_event() {
    const std::string name = worker();
    if (pick(3) == 0) {
      const SessionId session = next_session_++;
      sessions_[name] = session;
      const bool stranger = pick(20) == 0;
      return feed(SessionOpened{session, name, stranger ? std::string(32, 'a') : "", "x"});
    }
    const SessionId session = sessions_[name];
    if (pick(4) == 0) return feed(SessionClosed{session, "closed"});
    feed(SessionLine{session, line(any({"SYNCED", "HEARTBEAT seq=1 cpu=5", "BYE", "HEARTBEAT seq=2",
                                        "INFO cpus=4 label=a=b", "HEARTBEAT seq=3 cpu=99"}))});
  }

  void report() {
    const std::string run = std::to_string(1 + pick(4));
    const std::string name = "instance=" + instance() + " run=" + run;
    std::string text = "INSTANCE " + name + " state=" +
                       any({"running pid=5", "sleeping pid=6", "dead", "backoff retry_ms=5",
                            "starting", "stopping pid=7"}) +
                       " desired=" + any({"running", "stopped"});
    if (pick(3) == 0)
      text = "EXITED " + name + " seq=" + std::to_string(pick(50)) + " reason=gone exit_code=1";
    feed(SessionLine{sessions_[worker()], line(text)});
  }

  // An answer to some order that went out once, often the latest.
  void answer() {
    const SessionId session = sessions_[worker()];
    const auto& orders = orders_[session];
    if (orders.empty()) return;
    const std::size_t back = pick(3) == 0 ? static_cast<std::size_t>(pick(8)) : 0;
    const Line& order = orders[orders.size() - 1 - std::min(back, orders.size() - 1)];
    const std::string id(order.text("id"));
    const std::string text =
        any({"OK id=X pid=5 run=1", "OK id=X sent=1 reason=ended", "OK id=X",
             "ERR id=X code=not-found msg=gone", "ERR id=X code=busy msg=no",
             "ERR id=X code=exec-failed msg=no", "PROGRESS id=X done=1 total=2",
             "ERR id=X code=exists msg=it%20runs"});
    Line answer = line(text), with_id(answer.verb());
    for (const auto& [key, value] : answer.fields()) with_id.add(key, key == "id" ? id : value);
    feed(SessionLine{session, with_id});
  }

  void one_event() {
    switch (pick(10)) {
      case 0:
      case 1: return command();
      case 2:
      case 3: return session_event();
      case 4: return report();
      case 5:
      case 6: return answer();
      case 7: return tick(pick(10) == 0 ? 70'000 : 1 + pick(800));
      case 8: return beat_all();
      default: break;
    }
    if (pick(2) == 0 && next_request_ > 1)
      return feed(Cancel{1 + static_cast<RequestId>(pick(static_cast<int>(next_request_) - 1))});
    if (pick(20) == 0)
      return feed(
          HistoryCut{cluster_.state().cuts.before, pick(1000), pick(9), pick(9), pick(999)});
    if (!reads_.empty()) return read_history();
    if (!streams_.empty()) feed(master::StreamEnded{*streams_.begin(), std::nullopt});
  }

  void read_history() {
    HistoryRead read;
    read.request = reads_.back();
    read.rows = pick(2);
    reads_.pop_back();
    feed(read);
  }

  void beat_all() {
    for (const auto& [name, session] : sessions_)
      feed(SessionLine{session, line("HEARTBEAT seq=1 cpu=10")});
  }

  Random random_;
  Now now_{1'000'000, 1'700'000'000'000};
  Cluster cluster_;
  std::vector<Line> journal_;
  std::optional<master::SnapshotWalk> walk_;
  std::vector<Line> slices_;
  std::size_t records_before_ = 0;
  int snapshots_ = 0;
  std::map<RequestId, int> finished_;
  std::map<RequestId, std::string> words_;
  std::set<RequestId> follows_;
  std::set<std::string> streams_;
  std::vector<RequestId> reads_;
  std::map<std::string, SessionId> sessions_;
  std::map<SessionId, std::vector<Line>> orders_;
  SessionId next_session_ = 1;
  RequestId next_request_ = 1;
};

}  // namespace

TEST(cluster_survives_any_sequence_of_events) {
  int snapshots = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Storm storm(seed);
    for (int round = 0; round < 4; ++round) {
      storm.blow(150);
      storm.check_journal();
    }
    storm.calm();
    storm.check_journal();
    snapshots += storm.snapshots();
  }
  CHECK(snapshots > 100);
}
