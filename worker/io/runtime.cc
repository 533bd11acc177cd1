#include "worker/io/runtime.h"

#include <algorithm>

#include "common/escape.h"
#include "common/io/journal_rewrite.h"
#include "worker/io/fetcher.h"
#include "worker/io/prober.h"
#include "worker/io/say.h"

namespace dm::worker {
namespace {

constexpr std::int64_t kShortestToShorten = 1024 * 1024;
constexpr std::int64_t kLeaveMs = 3000;
constexpr std::int64_t kLookAgainMs = 10;  // while leaving: is everything sent and synced?
constexpr std::int64_t kGreetingMs = 5000;
constexpr int kInstalls = 8;
constexpr int kSystemError = 111;
constexpr std::string_view kUsageId = "usage";
constexpr std::string_view kNoPromises = "; nothing more can be promised, ending; apps go on";

Error no_thread() {
  return fail(Code::kBusy, "no thread can be made, the limit on tasks is reached");
}

}  // namespace

Runtime::Runtime(const RuntimeParts& parts, const BulkTarget& target, SupervisorStart supervisor)
    : parts_(parts),
      loop_(parts.loop),
      target_(target),
      sync_jobs_(loop_, 1),
      sample_jobs_(loop_, 1),
      link_jobs_(loop_, 1),
      lookup_jobs_(loop_, 1),
      work_jobs_(loop_, kInstalls),
      effects_(
          std::make_unique<JournalLog>(parts.journal, sync_jobs_),
          [this](Effect& effect) { std::visit([this](auto& each) { perform(each); }, effect); },
          [this](const Error& error) { give_up(error.message + std::string(kNoPromises)); }),
      app_users_(supervisor.app_users),
      link_(loop_, link_jobs_, std::move(supervisor),
            {[this] { raise(SupervisorUp{}); },
             [this](const Line& line) { on_supervisor_line(line); },
             [this] {
               clears_.on_down();
               raise(SupervisorDown{});
             },
             [this](const Error&) {
               give_up(
                   "the supervisor is gone, and only root can start another that may switch "
                   "users");
             }}),
      clears_(loop_, link_),
      launcher_(loop_, work_jobs_, parts.store, link_,
                [this](SpawnFailed failed) { raise(failed); }),
      session_(
          loop_, lookup_jobs_, target.master, target.key, target.identity,
          {[this] { raise(MasterUp{}); }, [this](const Line& line) { raise(MasterLine{line}); },
           [this](const std::string& why) {
             outbox_.clear();
             if (leaving_) return;  // what was asked for is no news
             parts_.notify.send("STATUS=no session: " + escape_for_terminal(why));
             raise(MasterDown{why});
           }}),
      outbox_(loop_, parts.store, session_),
      streamer_(loop_, parts.store, target, [this](const StreamEnded& ended) { raise(ended); }),
      keeper_(loop_, parts.store, parts.logs, [this] { return log_owners(); }),
      sampler_(parts.store.root()),
      shorten_above_(kShortestToShorten) {}

void Runtime::start(Fd supervisor) {
  parts_.store.use_clearer([this](Fd directory, std::size_t user) {
    return clears_.clear(std::move(directory), app_users_.at(user));
  });
  link_.attach(std::move(supervisor));
  // The core dials the master when it first ticks: not before it knows from the supervisor how
  // its apps are, unless that says nothing.
  loop_.at(loop_.now().mono_ms + kGreetingMs, [this] {
    begin_ticking();
    arm();
  });
  parts_.notify.feed_watchdog(loop_);
  keeper_.start();
}

// Ready is who knows its apps. Whether there is a master is another matter: a unit that waited for
// one would hold up the machine's start, and be killed in the end.
void Runtime::begin_ticking() {
  if (!may_tick_) parts_.notify.send("READY=1");
  may_tick_ = true;
}

void Runtime::use_key(const AccessKey& key) {
  if (target_.key && target_.key->bytes == key.bytes && target_.key->generation == key.generation)
    return;
  target_.key = key;
  session_.use_key(key);
  streamer_.use_key(key);
  session_.drop("the key has been replaced");
}

bool Runtime::leave(bool stays) {
  if (leaving_) return false;
  leaving_ = true;
  cancelled_ = true;
  parts_.notify.send("STOPPING=1");
  raise(Leave{stays});
  loop_.later([this] { end_if_left(); });
  // A master that does not read must not keep us.
  loop_.at(loop_.now().mono_ms + kLeaveMs, [this] { loop_.stop(0); });
  return true;
}

LogKeeper::Owners Runtime::log_owners() const {
  LogKeeper::Owners owners;
  for (const auto& [name, instance] : parts_.agent.instances())
    owners[name] = {instance.run, is_alive(instance), instance.spec.log_max_bytes};
  return owners;
}

void Runtime::give_up(const std::string& why) {
  say(why);
  loop_.stop(kSystemError);
}

// --- events in ---

// The core is never called from within an effect: what an effect causes comes after it.
void Runtime::raise(Event event) {
  events_.push_back(std::move(event));
  if (will_handle_) return;
  will_handle_ = true;
  loop_.later([this] { handle_events(); });
}

// All events of a round together, so that their records share one write and one sync.
void Runtime::handle_events() {
  while (!events_.empty()) {
    Effects effects;
    while (!events_.empty()) {
      const Event event = std::move(events_.front());
      events_.pop_front();
      Effects more = parts_.agent.on(event, loop_.now());
      std::move(more.begin(), more.end(), std::back_inserter(effects));
    }
    effects_.submit(std::move(effects));
  }
  will_handle_ = false;
  arm();
  shorten_journal();
}

void Runtime::arm() {
  const std::int64_t due = may_tick_ ? parts_.agent.next_deadline() : kNever;
  if (due == armed_for_) return;
  loop_.cancel(timer_);
  armed_for_ = due;
  if (due == kNever) return;
  timer_ = loop_.at(due, [this] {
    armed_for_ = kNever;
    raise(Tick{});
  });
}

void Runtime::end_if_left() {
  if (!session_.is_up() && effects_.is_idle() && events_.empty()) return loop_.stop(0);
  loop_.at(loop_.now().mono_ms + kLookAgainMs, [this] { end_if_left(); });
}

// The present state instead of its history, once that has grown to four times its size.
void Runtime::shorten_journal() {
  if (!effects_.is_idle() || parts_.journal.size() <= shorten_above_) return;
  const std::vector<Line> records = parts_.agent.snapshot();
  std::int64_t bytes = 0;
  for (const Line& record : records) bytes += static_cast<std::int64_t>(record.print().size());
  shorten_above_ = std::max(kShortestToShorten, 4 * bytes);
  if (parts_.journal.size() <= shorten_above_) return;
  bool is_lost = false;
  const Status done = replace_at_once(parts_.journal, records, &is_lost);
  if (is_lost) return give_up(done.error().message + std::string(kNoPromises));
  if (done) return;
  say("cannot shorten the journal: " + done.error().message + "; it goes on as it is");
  shorten_above_ = parts_.journal.size() + kShortestToShorten;
}

void Runtime::on_supervisor_line(const Line& line) {
  if (line.verb() == "OK" && line.text("id") == kUsageId) {
    usage_ = line;
    return;
  }
  if (clears_.on_line(line)) return;
  if (line.verb() == "ENDING") {
    say("the supervisor has stopped every app and ends");
    link_.retire();
    leave();
    return;
  }
  if (line.verb() == "SUPERVISOR") supervisor_pid_ = static_cast<int>(line.number_or("pid", 0));
  if (line.verb() == "SYNCED") begin_ticking();
  raise(SupervisorLine{line});
}

// --- effects out ---

void Runtime::perform(const Disconnect& effect) {
  effect.after_sending ? outbox_.finish(effect.why) : session_.drop(effect.why);
}

void Runtime::perform(const Spawn& effect) {
  const auto found = parts_.agent.instances().find(effect.instance);
  if (found == parts_.agent.instances().end()) return;
  launcher_.spawn(effect, found->second.spec);
  keeper_.began(effect.instance, {effect.run, true, found->second.spec.log_max_bytes});
}

void Runtime::perform(const ToMaster& effect) {
  effect.with_tail ? outbox_.send_with_tail(effect.line) : outbox_.send(effect.line);
}

void Runtime::perform(const EndStreams& effect) {
  streamer_.end(effect.instance, effect.run);
  keeper_.ended(effect.instance, effect.run);
}

void Runtime::perform(const Install& effect) {
  InstallJob job{effect, target_, &parts_.store, &cancelled_, nullptr};
  job.progress = [this, id = effect.id](std::int64_t done, std::int64_t total) {
    loop_.post([this, id, done, total] { raise(InstallProgress{id, done, total}); });
  };
  work_jobs_.run(
      [this, job]() -> Loop::Task {
        const auto done = run_install(job);
        Installed installed{{job.order.id, job.order.app, job.order.manifest, {}}, std::nullopt};
        if (done)
          installed.done = *done;
        else
          installed.error = done.error();
        return [this, installed] { raise(installed); };
      },
      [this, effect] {
        raise(Installed{{effect.id, effect.app, effect.manifest, {}}, no_thread()});
      });
}

void Runtime::perform(const RemoveApp& effect) {
  work_jobs_.run(
      [this, effect]() -> Loop::Task {
        const Status outcome = parts_.store.remove(effect.app, effect.instances);
        Removed removed{effect.id, effect.app, std::nullopt};
        if (!outcome) removed.error = outcome.error();
        return [this, removed] { raise(removed); };
      },
      [this, effect] {
        raise(Removed{effect.id, effect.app, no_thread()});
      });
}

void Runtime::perform(const RemoveInstances& effect) {
  work_jobs_.run(
      [this, effect]() -> Loop::Task {
        const Status outcome = parts_.store.remove_instances(effect.instances);
        InstancesRemoved removed{effect.id, std::nullopt};
        if (!outcome) removed.error = outcome.error();
        return [this, removed] { raise(removed); };
      },
      [this, effect] {
        raise(InstancesRemoved{effect.id, no_thread()});
      });
}

void Runtime::perform(const Probe& effect) {
  work_jobs_.run([this, effect]() -> Loop::Task {
    return [this, probed = Probed{effect.id, run_probe(effect.needs)}] { raise(probed); };
  });
}

void Runtime::perform(const TakeSample& effect) {
  link_.send(Line("USAGE").add("id", kUsageId).print());
  std::vector<Sampler::Target> targets;
  for (const std::string& name : effect.instances) {
    const auto found = parts_.agent.instances().find(name);
    if (found == parts_.agent.instances().end()) continue;
    const Instance& instance = found->second;
    targets.push_back({name, static_cast<int>(instance.pid),
                       static_cast<std::uint64_t>(instance.pid_start), instance.cgroup,
                       instance.usage.before});
  }
  sample_jobs_.run(
      [this, targets, scans = effect.scans, supervisor = supervisor_pid_]() -> Loop::Task {
        return [this, sampled = sampler_.take(targets, scans, supervisor)]() mutable {
          sampled.host.children_user_ms = usage_.number_or("cpu_user_ms", 0);
          sampled.host.children_system_ms = usage_.number_or("cpu_system_ms", 0);
          sampled.host.children_max_rss_bytes = usage_.number_or("max_rss_bytes", 0);
          sampled.host.children_reaped = usage_.number_or("reaped", 0);
          raise(std::move(sampled));
        };
      });
}

void Runtime::perform(const Say& effect) {
  say(effect.text);
}

void Runtime::perform(const Welcomed& effect) {
  session_.set_patience(static_cast<int>(std::max<std::int64_t>(2000, 2 * effect.heartbeat_ms)));
  const std::string words = target_.name + " connected to " + target_.master.print();
  say(words);
  parts_.notify.send("STATUS=" + words);
}

}  // namespace dm::worker
