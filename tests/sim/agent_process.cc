#include "tests/sim/agent_process.h"

#include <algorithm>

#include "tests/sim/host.h"
#include "tests/sim/master_node.h"

namespace dm::sim {

using namespace worker;

AgentProcess::AgentProcess(Host& host, MasterNode& master)
    : host_(host),
      master_(master),
      agent_(std::make_unique<Agent>(
          host.facts(), static_cast<std::uint64_t>(host.timeline().below(1'000'000'000)))),
      commits_(
          std::make_unique<SimLog>(host.agent_life(), host.journal(),
                                   SimLog::Handlers{[](const Line&) {}, [this] { host_.burn(); }}),
          [this](Effect& effect) { perform_or_die(effect); }, [](const Error&) {}) {
  host_.journal().read([this](const Line& record, std::int64_t) { return agent_->replay(record); });
  attach();
  host_.agent_life().later(5 * kSecond, [this] {
    may_tick_ = true;
    arm();
  });
}

void AgentProcess::attach() {
  const auto life = host_.agent_life().life();
  const auto alive = [&host = host_, life] { return life == host.agent_life().life(); };
  supervisor_ =
      host_.connect_supervisor({[this, alive](const Line& line) {
                                  if (alive()) on_supervisor_line(line);
                                },
                                [this, alive] {
                                  if (!alive()) return;
                                  supervisor_.reset();
                                  raise(SupervisorDown{});
                                  host_.agent_life().later(50 * kMs, [this] { attach(); });
                                }});
  raise(SupervisorUp{});
}

void AgentProcess::on_supervisor_line(const Line& line) {
  if (line.verb() == "SYNCED") may_tick_ = true;
  raise(SupervisorLine{line});
}

void AgentProcess::raise(Event event) {
  events_.push_back(std::move(event));
  if (will_handle_) return;
  will_handle_ = true;
  host_.agent_life().later(host_.timeline().below(300), [this] { handle_events(); });
}

void AgentProcess::handle_events() {
  const auto life = host_.agent_life().life();
  Effects effects;
  while (!events_.empty()) {
    const Event event = std::move(events_.front());
    events_.pop_front();
    Effects more = agent_->on(event, host_.now());
    std::move(more.begin(), more.end(), std::back_inserter(effects));
  }
  will_handle_ = false;
  commits_.submit(std::move(effects));
  if (life != host_.agent_life().life()) return;
  arm();
  shorten_journal();
}

void AgentProcess::arm() {
  const std::int64_t due = may_tick_ ? agent_->next_deadline() : kNever;
  if (due == armed_for_) return;
  armed_for_ = due;
  const std::uint64_t timer = ++timer_;
  if (due == kNever) return;
  const std::int64_t wait = std::max<std::int64_t>(0, due - host_.now().mono_ms) * kMs;
  host_.agent_life().later(wait, [this, timer] {
    if (timer != timer_) return;
    armed_for_ = kNever;
    raise(Tick{});
  });
}

void AgentProcess::shorten_journal() {
  // Ends that the master has not heard of must live through it: more often where it cannot hear.
  if (!commits_.is_idle() || !host_.timeline().chance(session_ ? 0.02 : 0.2)) return;
  host_.journal().replace(agent_->snapshot());
}

// --- effects ---

void AgentProcess::perform_or_die(Effect& effect) {
  const auto life = host_.agent_life().life();
  host_.burn();
  if (life == host_.agent_life().life())
    std::visit([this](const auto& each) { perform(each); }, effect);
  if (life != host_.agent_life().life()) commits_.stop();
}

void AgentProcess::perform(const Connect&) {
  dialling_ = true;
  const std::uint64_t dial = ++dial_;
  // An unreachable master answers nothing; the core loses its patience then.
  if (host_.is_cut_off()) return;
  host_.agent_life().later(host_.timeline().delay(5 * kMs), [this, dial] {
    if (dial != dial_ || !dialling_) return;
    dialling_ = false;
    const auto life = host_.agent_life().life();
    const auto alive = [&host = host_, life] { return life == host.agent_life().life(); };
    const auto is_this = [this, alive, dial] { return alive() && dial == dial_; };
    const auto id = master_.connect(host_.index(), {[this, is_this](const Line& line) {
                                                      if (!is_this()) return;
                                                      host_.note_order(line);
                                                      raise(MasterLine{line});
                                                    },
                                                    [this, is_this] {
                                                      if (!is_this()) return;
                                                      session_.reset();
                                                      raise(MasterDown{"connection closed"});
                                                    }});
    if (!id) return raise(MasterDown{"connection refused"});
    session_ = id;
    raise(MasterUp{});
  });
}

void AgentProcess::perform(const Disconnect& effect) {
  if (session_) master_.network().close(*session_, Side::kClient);
  if (!session_ && !dialling_) return;
  session_.reset();
  dialling_ = false;
  ++dial_;
  raise(MasterDown{effect.why});
}

void AgentProcess::perform(const ToMaster& effect) {
  if (host_.timeline().is_tracing() && effect.line.verb() != "HEARTBEAT")
    host_.trace("> " + effect.line.print());
  if (session_) master_.network().send(*session_, Side::kClient, effect.line);
}

void AgentProcess::perform(const Spawn& effect) {
  if (held_.contains(effect.instance)) return;
  held_[effect.instance] = {};
  host_.agent_life().later(host_.timeline().delay(kMs), [this, effect] {
    const auto held = held_.extract(effect.instance);
    if (host_.is_troubled() && host_.timeline().chance(0.01)) {
      host_.ledger().tried({effect.instance, effect.run});
      return raise(SpawnFailed{effect.instance, effect.run, fail(Code::kNoSpace, "disk full")});
    }
    to_supervisor(effect.line);
    for (const Line& line : held.mapped()) to_supervisor(line);
  });
}

void AgentProcess::to_supervisor(const Line& line) {
  const auto held = held_.find(std::string(line.text("instance")));
  if (held != held_.end()) return held->second.push_back(line);
  if (host_.timeline().is_tracing())
    host_.trace("| " + line.verb() + " " + std::string(line.text("instance")) + " " +
                std::string(line.text("run")) + " " + std::string(line.text("signal")));
  if (supervisor_) host_.local().send(*supervisor_, Side::kClient, line);
}

void AgentProcess::perform(const Install& effect) {
  const bool may_fetch = master_.may_fetch(host_.name(), effect.manifest);
  host_.agent_life().later(host_.timeline().delay(300 * kMs),
                           [this, effect, may_fetch] { installed(effect, may_fetch); });
}

void AgentProcess::installed(const Install& effect, bool may_fetch) {
  Installed event{{effect.id, effect.app, effect.manifest, effect.app}, std::nullopt};
  if (!host_.has_files(effect.app, effect.manifest)) {
    if (!may_fetch || host_.is_cut_off())
      event.error = fail(Code::kLost, "the master does not send the files");
    else if (host_.is_troubled() && host_.timeline().chance(0.05))
      event.error = fail(Code::kNoSpace, "no space");
    else
      host_.add_files(effect.app, effect.manifest);
  }
  if (!event.error)
    host_.note_files(effect.app, effect.manifest, master_.old_copy().is_lost(effect.id));
  raise(std::move(event));
}

void AgentProcess::perform(const RemoveApp& effect) {
  host_.agent_life().later(host_.timeline().delay(20 * kMs), [this, effect] {
    host_.remove_files(effect.app);
    raise(Removed{effect.id, effect.app, std::nullopt});
  });
}

void AgentProcess::perform(const RemoveInstances& effect) {
  host_.agent_life().later(host_.timeline().delay(20 * kMs), [this, id = effect.id] {
    raise(InstancesRemoved{id, std::nullopt});
  });
}

void AgentProcess::perform(const Probe& effect) {
  host_.agent_life().later(host_.timeline().delay(10 * kMs), [this, id = effect.id] {
    raise(Probed{id, {}});
  });
}

void AgentProcess::perform(const TakeSample& effect) {
  Sampled sampled;
  sampled.host.mem_total_bytes = 1000;
  sampled.host.disk_free_bytes = 1'000'000'000'000;
  for (const std::string& name : effect.instances) {
    InstanceSample& sample = sampled.instances.emplace_back();
    sample.instance = name;
    sample.pid = agent_->instances().at(name).pid;
    sample.kernel_state = 'S';
    sample.cpu_user_ms = sample.cpu_system_ms = sample.rss_bytes = 0;
  }
  host_.agent_life().later(host_.timeline().delay(3 * kMs), [this, sampled] { raise(sampled); });
}

void AgentProcess::perform(const Say& effect) {
  host_.trace("says " + effect.text);
}

}  // namespace dm::sim
