// master/core/sessions.h - the workers' sessions: coming and going, beats, reports.
#pragma once

#include <string>

#include "master/core/exit_reports.h"
#include "master/core/fence.h"
#include "master/core/peer_notices.h"
#include "master/core/reconciler.h"
#include "master/core/settlement.h"
#include "master/core/unrecorded.h"
#include "master/core/worker_deadlines.h"
#include "master/core/worker_records.h"

namespace dm::master {

class Sessions {
 public:
  // What the sessions act on; all of it outlives them.
  struct Parts {
    const ClusterOptions& options;
    Recorder& recorder;
    Roster& roster;
    Reports& reports;
    Orders& orders;
    Leases& leases;
    RunEnds& run_ends;
    Launches& launches;
    Reconciler& reconciler;
    Failover& failover;
    Settlement& settlement;
    const EpochSeals& seals;
    Fence& fence;
    WorkerRecords& records;
    ExitReports& exits;
    Unrecorded& unrecorded;
    WorkerEvents& worker_events;
    PeerNotices& peers;
    LogTails& tails;
    Timers& timers;
    const Facts& facts;
    Effects& out;
  };
  explicit Sessions(const Parts& parts);

  // The known workers are expected back from now on.
  void begin(Now now);
  void handle(const SessionOpened& opened, Now now);
  void handle(const SessionLine& event, Now now);
  void handle(const SessionClosed& closed, Now now);
  // Every worker is to connect anew and to tell all it knows.
  void restart_all(const std::string& why, Now now);
  // REQUIRES that `from` is a recorded worker and `to` is none.
  void rename(const std::string& from, const std::string& to, Now now);
  void tick(Now now);
  std::int64_t deadline() const { return deadlines_.earliest(); }

 private:
  struct LineRow;
  static const LineRow kLineRows[];

  void tell_replaced(WorkerView& view, const SessionOpened& opened, Now now);
  void on_info(WorkerView& worker, const Line& line, Now now);
  void on_instance(WorkerView& worker, const Line& line, Now now);
  void on_heartbeat(WorkerView& worker, const Line& line, Now now);
  void on_synced(WorkerView& worker, const Line& line, Now now);
  void on_bye(WorkerView& worker, const Line& line, Now now);
  void on_exited(WorkerView& worker, const Line& line, Now now);
  void on_answer(WorkerView& worker, const Line& line, Now now);
  void on_progress(WorkerView& worker, const Line& line, Now now);
  static void read_beat(WorkerView& worker, const Line& line, Now now);
  void lose(WorkerView& worker, Now now);
  static bool is_expected(const WorkerView& worker);
  void schedule(const WorkerView& worker);

  const ClusterOptions& options_;
  Recorder& recorder_;
  Roster& roster_;
  Reports& reports_;
  Orders& orders_;
  Leases& leases_;
  RunEnds& run_ends_;
  Launches& launches_;
  Reconciler& reconciler_;
  Failover& failover_;
  Settlement& settlement_;
  const EpochSeals& seals_;
  Fence& fence_;
  WorkerRecords& records_;
  ExitReports& exits_;
  Unrecorded& unrecorded_;
  WorkerEvents& worker_events_;
  PeerNotices& peers_;
  LogTails& tails_;
  Timers& timers_;
  const Facts& facts_;
  const State& state_;
  Effects& out_;
  WorkerDeadlines deadlines_;
};

}  // namespace dm::master
