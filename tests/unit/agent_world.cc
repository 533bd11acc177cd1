#include "tests/unit/agent_world.h"

#include <algorithm>

#include "tests/unit/check.h"

namespace dm::test {

using namespace worker;

namespace {

Line parsed(std::string_view text) {
  auto line = parse_line(text);
  if (!line) failed(__FILE__, __LINE__, "no line: " + std::string(text));
  return line ? *line : Line();
}

HostFacts facts_of_w1() {
  HostFacts facts;
  facts.name = "w1";
  facts.id = std::string(32, '1');
  facts.root = "/r";
  facts.os = "Linux";
  facts.arch = "x86_64";
  facts.cpus = 2;
  facts.build = "ours";
  facts.path = "/bin";
  facts.labels = {"rack=r1"};
  return facts;
}

std::string one_line(const Line& line) {
  std::string text = line.print();
  text.pop_back();
  return text;
}

}  // namespace

std::string launch_fields(const std::string& instance, const std::string& restart, int run) {
  const std::string app = instance.substr(0, instance.find('.'));
  return "instance=" + instance + " app=" + app + " manifest=" + std::string(kManifest) +
         " run=" + std::to_string(run) + " restart=" + restart;
}

std::string run_line(const std::string& instance, int run) {
  return "RUN instance=" + instance + " run=" + std::to_string(run) +
         " pid=7 start=70 started_ms=1700000000000";
}

AgentWorld::AgentWorld() : facts(facts_of_w1()), agent_(std::make_unique<Agent>(facts, 1)) {}

void AgentWorld::feed(const Event& event) {
  for (const Effect& effect : agent_->on(event, now)) note(effect);
}

void AgentWorld::note(const Effect& effect) {
  struct Visitor {
    AgentWorld& world;
    void add(const std::string& text) { world.log_.push_back(text); }
    void operator()(const Connect&) { add("connect"); }
    void operator()(const Disconnect& e) {
      add((e.after_sending ? "finish " : "disconnect ") + e.why);
    }
    void operator()(const ToMaster& e) { add("M> " + one_line(e.line)); }
    void operator()(const ToSupervisor& e) { add("S> " + one_line(e.line)); }
    void operator()(const Spawn& e) {
      add("spawn " + e.instance + "/" + std::to_string(e.run) + " " + one_line(e.line));
    }
    void operator()(const Append& e) {
      world.journal_.push_back(e.record);
      add((e.lazy ? "lazy " : "append ") + one_line(e.record));
    }
    void operator()(const Install& e) { add("install " + e.id + " " + e.app); }
    void operator()(const RemoveApp& e) {
      add("remove " + e.id + " " + e.app + " " + std::to_string(e.instances.size()));
    }
    void operator()(const RemoveInstances& e) {
      add("forget " + e.id + " " + std::to_string(e.instances.size()));
    }
    void operator()(const Probe& e) { add("probe " + e.id); }
    void operator()(const StreamLog& e) {
      add("stream " + e.id + " " + e.instance + "/" + std::to_string(e.run) +
          " lines=" + std::to_string(e.lines) + " offset=" + std::to_string(e.offset) +
          (e.tail_bytes > 0 ? " tail=" + std::to_string(e.tail_bytes) : "") +
          (e.follow ? " follow" : ""));
    }
    void operator()(const EndStreams& e) {
      add("end streams " + e.instance + "/" + std::to_string(e.run));
    }
    void operator()(const CancelStream& e) { add("cancel stream " + e.id); }
    void operator()(const TakeSample& e) { add("sample " + std::to_string(e.instances.size())); }
    void operator()(const Say& e) { add("say " + e.text); }
    void operator()(const Welcomed&) { add("welcomed"); }
  };
  std::visit(Visitor{*this}, effect);
}

void AgentWorld::greet(const std::vector<std::string>& lines, const std::string& pid) {
  feed(SupervisorUp{});
  supervisor("SUPERVISOR proto=1 boot=b pid=" + pid);
  for (const std::string& line : lines) supervisor(line);
  supervisor("SYNCED");
}

void AgentWorld::welcome(std::string_view line) {
  pass(std::max<std::int64_t>(0, agent_->next_deadline() - now.mono_ms));
  feed(MasterUp{});
  order("DM proto=1 nonce=0");
  order(line);
}

void AgentWorld::join() {
  greet();
  welcome();
  install("web");
  take();
}

void AgentWorld::install(const std::string& app) {
  order("INSTALL id=i app=" + app + " manifest=" + std::string(kManifest));
  feed(Installed{{"i", app, std::string(kManifest), app, 1, 0, 10, 5}, std::nullopt});
}

void AgentWorld::order(std::string_view line) {
  feed(MasterLine{parsed(line)});
}
void AgentWorld::supervisor(std::string_view line) {
  feed(SupervisorLine{parsed(line)});
}

void AgentWorld::run(const std::string& instance, const std::string& restart) {
  order("LAUNCH id=l " + launch_fields(instance, restart));
  supervisor("OK id=" + instance + "/1 pid=7 start=70 started_ms=" + std::to_string(now.wall_ms));
  take();
}

void AgentWorld::exit(const std::string& instance, int status, const std::string& more) {
  const std::int64_t run = agent_->instances().at(instance).run;
  supervisor(
      "EXITED seq=" + std::to_string(next_seq_++) + " instance=" + instance +
      " run=" + std::to_string(run) + " pid=7 start=70 ended_ms=" + std::to_string(now.wall_ms) +
      " status=" + std::to_string(status) + " user_us=5000 system_us=6000 max_rss_bytes=4096" +
      (more.empty() ? " left=0" : " " + more));
}

void AgentWorld::pass(std::int64_t ms) {
  const std::int64_t end = now.mono_ms + ms;
  while (true) {
    const std::int64_t next = std::max(now.mono_ms, std::min(end, agent_->next_deadline()));
    now.wall_ms += next - now.mono_ms;
    now.mono_ms = next;
    if (agent_->next_deadline() <= now.mono_ms) feed(Tick{});
    if (now.mono_ms >= end && agent_->next_deadline() > now.mono_ms) return;
  }
}

void AgentWorld::restart() {
  agent_ = std::make_unique<Agent>(facts, 2);
  for (const Line& record : journal_) CHECK(agent_->replay(record).has_value());
}

void AgentWorld::restart_from_snapshot() {
  journal_ = agent_->snapshot();
  restart();
}

void AgentWorld::mend(std::size_t left) {
  journal_.resize(std::min(left, journal_.size()));
  journal_.emplace_back("MENDED");
  restart();
}

std::string AgentWorld::snapshot() const {
  std::string text;
  for (const Line& record : agent_->snapshot()) text += record.print();
  return text;
}

std::string AgentWorld::take() {
  std::string text;
  for (const std::string& each : log_) text += each + "\n";
  log_.clear();
  return text;
}

int AgentWorld::count(std::string_view start) const {
  return static_cast<int>(std::count_if(log_.begin(), log_.end(),
                                        [&](const auto& each) { return each.starts_with(start); }));
}

bool AgentWorld::has(std::string_view part) const {
  return std::any_of(log_.begin(), log_.end(),
                     [&](const std::string& each) { return each.find(part) != std::string::npos; });
}

std::string AgentWorld::state_of(const std::string& instance) const {
  const auto found = agent_->instances().find(instance);
  if (found == agent_->instances().end()) return "none";
  return std::string(word(found->second.state)) + " run " + std::to_string(found->second.run);
}

}  // namespace dm::test
