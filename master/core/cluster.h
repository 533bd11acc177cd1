// master/core/cluster.h - the core of the master: everything it knows and does, put together from
// components that know each other one way only. Pure: an event and the time go in, effects come
// out; it never touches a descriptor, a clock or a random source.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "master/core/change_commands.h"
#include "master/core/look_commands.h"
#include "master/core/samples.h"
#include "master/core/worker_commands.h"

namespace dm::master {

class Cluster {
 public:
  explicit Cluster(ClusterOptions options);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Rebuilds the state from the journal; records come in their order, before any event.
  // `seq`: its number in the tail, 0 for one of a snapshot.
  Status replay(const Line& record, std::int64_t seq = 0);
  // Before the replay: older records of the audit trail, for `events` alone; and how many are older
  // than these.
  void recall(const Line& record, std::int64_t seq) { recorder_.recall(record, seq); }
  void recall_older(std::int64_t records) { recorder_.recall_older(records); }
  // After the replay: the manifests that the journal names are to be given with provide().
  void provide(const std::string& version, Manifest manifest);
  // The known workers are expected back from now on.
  void begin(Now now);

  Effects on(const Event& event, Now now);
  // When Tick is due (mono_ms).
  std::int64_t next_deadline() const;

  const State& state() const { return state_; }
  const std::map<std::string, WorkerView>& workers() const { return roster_.all(); }
  const Facts& facts() const { return facts_; }

  // May this worker fetch that blob now? Only those of an install that is under way for it.
  bool may_fetch(const std::string& worker, const std::string& sha256) const;
  // May a bulk connection speak for this worker?
  bool is_connected(const std::string& worker, const std::string& id) const;
  std::int64_t least_generation(const std::string& name) const;
  // The secret by which a worker proves that id, 64 hex digits; empty if none is known.
  std::string identity_of(const std::string& id) const;
  std::set<std::string> referenced_blobs() const { return catalog_.referenced_blobs(state_); }
  // One instance as it is shown.
  InstanceRow row(const std::string& name, Now now) const { return row_of(facts_, name, now); }

 private:
  using Handler = void (*)(Cluster&, Request&, const Command&, Now);
  struct CommandRow {
    CommandId id;
    Handler handler;
  };
  static const CommandRow kCommandRows[kCommandCount];

  void handle(const Command& command, Now now);
  void handle(const Cancel& cancel, Now now);
  void handle(const HistoryCut& cut, Now now);
  void handle(const Tick& tick, Now now);
  void handle(const EpochKeys& event, Now) { seals_.set_keys(event.keys); }
  void handle(const TurnedAway& peer, Now now) { peers_.turned_away(peer, now); }
  void handle(const TailStored& stored, Now) { tails_.stored(stored); }
  void handle(const SessionOpened& event, Now now) { sessions_.handle(event, now); }
  void handle(const SessionLine& event, Now now) { sessions_.handle(event, now); }
  void handle(const SessionClosed& event, Now now) { sessions_.handle(event, now); }
  void handle(const StreamEnded& event, Now now) { logs_.handle(event, now); }
  void handle(const TailRead& event, Now now) { logs_.handle(event, now); }
  void handle(const HistoryRead& event, Now now) { looks_.handle(event, now); }

  const ClusterOptions options_;
  Effects out_;  // of the event at hand

  // Facts.
  State state_;
  Roster roster_;
  Reports reports_;
  Underway underway_;
  LeaseTable lease_table_;
  Catalog catalog_;
  Timers timers_;
  Slices slices_;
  const Facts facts_{state_, roster_, reports_, underway_, lease_table_};
  const Lookup lookup_{facts_};

  // Components; each uses those above it.
  Recorder recorder_{state_, out_};
  EpochSeals seals_{options_, recorder_};
  Requests requests_{recorder_, state_, out_};
  Leases leases_{recorder_, state_, reports_, lease_table_, out_};
  Orders orders_{options_, recorder_, state_, roster_, underway_, leases_, out_};
  EndOrders ends_{orders_, state_};
  RunEnds run_ends_{recorder_, state_, reports_, underway_, leases_, timers_};
  Deletes deletes_{recorder_, requests_, orders_, ends_,  catalog_,
                   timers_,   reports_,  lookup_, facts_, out_};
  Transfers transfers_{recorder_, requests_, orders_, deletes_, catalog_, state_, out_};
  Launches launches_{recorder_, requests_, orders_,  ends_,     transfers_,
                     run_ends_, timers_,   reports_, underway_, facts_};
  Stops stops_{recorder_, requests_, orders_,  run_ends_, launches_,
               deletes_,  slices_,   reports_, lookup_,   facts_};
  Reconciler reconciler_{ends_, launches_, deletes_, timers_, facts_};
  Failover failover_{options_, recorder_, requests_, ends_,  launches_, run_ends_,
                     leases_,  timers_,   roster_,   facts_, out_};
  Retention retention_{options_, recorder_, requests_, orders_,  launches_,
                       lookup_,  leases_,   timers_,   reports_, facts_};
  LogStreams streams_{orders_, out_};
  LogTails tails_{streams_, facts_, out_};
  LogReaders logs_{requests_, orders_, streams_, tails_, lookup_, facts_, out_};
  Settlement settlement_{orders_, transfers_, launches_, stops_, deletes_, retention_, logs_};
  Unrecorded unrecorded_{recorder_, state_, out_};
  WorkerEvents worker_events_{recorder_, out_};
  Fence fence_{recorder_, worker_events_, seals_, state_};
  WorkerRecords worker_records_{recorder_, state_};
  PeerNotices peers_{recorder_, out_};
  ExitReports exits_{recorder_,      run_ends_, launches_, failover_, tails_,
                     worker_events_, reports_,  facts_,    out_};
  Samples samples_{reports_, facts_};
  Sessions sessions_{{options_,  recorder_,       roster_,     reports_,    orders_,        leases_,
                      run_ends_, launches_,       reconciler_, failover_,   settlement_,    seals_,
                      fence_,    worker_records_, exits_,      unrecorded_, worker_events_, peers_,
                      tails_,    timers_,         facts_,      out_}};
  ChangeCommands changes_{{options_, recorder_, requests_, catalog_, transfers_, launches_, stops_,
                           deletes_, slices_, roster_, reports_, lookup_, facts_}};
  WorkerCommands worker_commands_{recorder_,   requests_, failover_, settlement_, sessions_, fence_,
                                  unrecorded_, roster_,   reports_,  lookup_,     facts_,    out_};
  LookCommands looks_{options_, requests_, logs_,   recorder_, failover_, peers_,
                      tails_,   catalog_,  lookup_, facts_,    out_};
};

}  // namespace dm::master
