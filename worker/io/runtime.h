// worker/io/runtime.h - the agent at work: brings the core its events, performs its effects.
// Decides nothing.
#pragma once

#include <atomic>
#include <deque>
#include <string>

#include "common/io/journal_log.h"
#include "common/io/notify.h"
#include "worker/core/agent.h"
#include "worker/io/app_store.h"
#include "worker/io/clear_client.h"
#include "worker/io/launcher.h"
#include "worker/io/log_keeper.h"
#include "worker/io/log_streamer.h"
#include "worker/io/outbox.h"
#include "worker/io/sampler.h"
#include "worker/io/session.h"
#include "worker/io/supervisor_link.h"

namespace dm::worker {

// What the runtime works with; all of it lives until the process ends.
struct RuntimeParts {
  Loop& loop;
  Agent& agent;
  JournalFile& journal;
  AppStore& store;
  const Notify& notify;
  LogKeeper::Limits logs;
};

class Runtime {
 public:
  // `target`: the master, and who we are.
  Runtime(const RuntimeParts& parts, const BulkTarget& target, SupervisorStart supervisor);
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Takes over the supervisor's connection and begins. The loop ends with 0 after leave(), with
  // 111 if the journal or the supervisor is lost.
  void start(Fd supervisor);
  // Proves this key from now on: another one than before makes it connect anew.
  void use_key(const AccessKey& key);
  // Says good-bye to the master, then ends the loop; apps go on. `stays`: the machine stays up and
  // the worker will be back. False if it was called before.
  bool leave(bool stays = false);

 private:
  void raise(Event event);
  void handle_events();
  void arm();
  void shorten_journal();
  void end_if_left();
  void give_up(const std::string& why);
  void on_supervisor_line(const Line& line);
  void begin_ticking();
  LogKeeper::Owners log_owners() const;

  void perform(const Connect&) { session_.dial(); }
  void perform(const Disconnect& effect);
  void perform(const ToMaster& effect);
  void perform(const ToSupervisor& effect) { launcher_.send(effect.line); }
  void perform(const Spawn& effect);
  void perform(const Append&) {}  // the commit queue's
  void perform(const Install& effect);
  void perform(const RemoveApp& effect);
  void perform(const RemoveInstances& effect);
  void perform(const Probe& effect);
  void perform(const StreamLog& effect) { streamer_.start(effect); }
  void perform(const EndStreams& effect);
  void perform(const CancelStream& effect) { streamer_.cancel(effect.id); }
  void perform(const TakeSample& effect);
  void perform(const Say& effect);
  void perform(const Welcomed& effect);

  RuntimeParts parts_;
  Loop& loop_;
  BulkTarget target_;
  // Apart, so that none waits behind another's slow work.
  Jobs sync_jobs_, sample_jobs_, link_jobs_, lookup_jobs_, work_jobs_;
  CommitQueue<Effect, Append> effects_;
  const std::vector<std::string> app_users_;
  SupervisorLink link_;
  ClearClient clears_;
  Launcher launcher_;
  Session session_;
  Outbox outbox_;
  LogStreamer streamer_;
  LogKeeper keeper_;
  Sampler sampler_;

  std::deque<Event> events_;
  bool will_handle_ = false;
  Loop::TimerId timer_{};
  std::int64_t armed_for_ = kNever;
  bool may_tick_ = false;
  bool leaving_ = false;
  std::atomic<bool> cancelled_{false};
  Line usage_;  // the supervisor's last answer to USAGE
  int supervisor_pid_ = 0;
  std::int64_t shorten_above_;
};

}  // namespace dm::worker
