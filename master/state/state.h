// master/state/state.h - what the master must never forget: workers, apps, versions, instances and
// how their runs ended. Changes only by records, so that the journal rebuilds it. Pure.
//
// A record sets what it speaks of, or keeps the larger of two numbers; it never adds to what was
// there: that is what lets a snapshot be taken while records come (snapshot.h).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/codec.h"
#include "common/manifest.h"
#include "common/result.h"
#include "master/state/placement.h"

namespace dm::master {

// What an operator asked for.
struct AskedCommand {
  std::int64_t wall_ms = 0;
  std::string who, from, words;
  bool operator==(const AskedCommand&) const = default;
};

struct KnownWorker {
  std::string id;  // 128 bits in hex; empty for one that gave none
  bool cordoned = false;
  std::string identity = {};  // its secret (common/handshake.h), never shown; empty: none known
  std::int64_t stays_since_ms = 0;  // it left and will be back, at that time; 0: it did not
  bool operator==(const KnownWorker&) const = default;
};

struct Version {
  std::string app;
  std::int64_t registered_ms = 0;
  std::set<std::string> installed_on;  // workers
  std::set<std::string> sent_to;       // workers that may have files of it, whole or in part
  bool operator==(const Version&) const = default;
};

struct App {
  std::string current;  // version
  std::int64_t next_number = 1;
  bool operator==(const App&) const = default;
};

// An app that was never registered, but that a worker has instances of.
struct HeardApp {
  std::string worker;  // who spoke of it last
  std::int64_t next_number = 1;
  bool operator==(const HeardApp&) const = default;
};

// What retention has cut from the audit trail, in all.
struct HistoryCuts {
  std::int64_t before = 0;  // the number of the first record that may be there still
  std::int64_t runs = 0, records = 0, bytes = 0;
  bool operator==(const HistoryCuts&) const = default;
};

class State {
 public:
  // Errors: bad-line for a record that this version does not write.
  Status apply(const Line& record);
  bool operator==(const State&) const = default;

  std::string cluster_id;         // 128 random bits in hex; empty before the first start
  std::int64_t epoch_number = 0;  // counts the master's starts
  std::string epoch_id;           // random, differs at each start
  std::map<std::int64_t, std::string> epochs;  // the latest kMostEpochs starts
  std::int64_t any_epoch_below = 0;  // an operator has said that older ones need not be known
  static constexpr std::size_t kMostEpochs = 1000;
  // Why no orders are given: a worker has obeyed a later master, so this is an old copy of the
  // journal. Empty: they are. An EPOCH with `new` ends it, and so does the revocation of the last
  // witness.
  std::string fence;
  std::map<std::string, std::string> witnesses;  // worker: why, by its word
  // Was this a start of this very master? "NUMBER-ID".
  bool knows_epoch(std::string_view epoch) const;

  HistoryCuts cuts;
  std::map<std::string, KnownWorker> workers;
  std::map<std::string, AskedCommand> asked;        // that have no end yet, by their numbers
  std::map<std::string, std::int64_t> generations;  // by name: keys below it are revoked
  // The lowest generation of a key that still opens anything for this name.
  std::int64_t least_generation(const std::string& name) const;
  std::map<std::string, App> apps;
  std::map<std::string, HeardApp> heard;  // each until it is registered, or its worker forgotten
  std::int64_t next_number(const std::string& app) const;
  // What an app's next instance is called. Errors: exists, if every number was given away.
  Result<std::string> next_name(const std::string& app) const;
  std::map<std::string, Version> versions;  // by the manifest's SHA-256
  std::map<std::string, Placement> instances;
  bool knows_worker(const std::string& name) const { return workers.contains(name); }
  // What the worker with that id is called; empty if none has it, or for no id.
  std::string worker_with(const std::string& id) const;
  // How many instances are to run there and have not ended.
  std::int64_t running_on(const std::string& worker) const;
  // Indexes of `instances`, by name in order; empty for a name that is not known.
  const std::set<std::string>& placed_on(const std::string& worker) const;
  const std::set<std::string>& singletons_of(const std::string& app) const;
  // By app: the instances whose last run has ended, the oldest end (ms) first.
  using Ended = std::set<std::pair<std::int64_t, std::string>>;
  const std::map<std::string, Ended>& ended() const { return ended_; }
  // In the order of their numbers.
  std::vector<std::string> instances_of(const std::string& app) const;
  std::map<std::string, std::set<std::string>> deletes;  // worker: apps it deletes when it returns
  std::map<std::string, std::int64_t> acknowledged;      // worker: seq of its last EXITED
  // Singletons of which nobody will tell how they ended, until their leases (ms) are over.
  std::map<std::string, std::int64_t> held;

 private:
  // One row a kind of record: its verb, what it does to the state, what it must have
  // (record_kinds.cc).
  struct Kind;
  static const Kind kKinds[];

  Status on_worker(const Line& record);
  Status on_forget(const Line& record);
  Status on_renamed(const Line& record);
  Status on_revoke(const Line& record);
  Status on_asked(const Line& record);
  Status on_command(const Line& record);
  Status on_event(const Line& record);
  Status on_cut(const Line& record);
  Status on_cluster(const Line& record);
  Status on_epoch(const Line& record);
  Status on_fenced(const Line& record);
  Status on_acked(const Line& record);
  Status on_leased(const Line& record);
  Status on_forgotten(const Line& record);
  Status on_version(const Line& record);
  Status on_heard(const Line& record);
  Status on_installing(const Line& record);
  Status on_installed(const Line& record);
  Status on_uninstalled(const Line& record);
  Status on_deleting(const Line& record);
  Status on_deleted(const Line& record);
  Status on_app(const Line& record);
  Status on_instance(const Line& record);
  Status on_ended(const Line& record);
  Status on_launched(const Line& record);
  Status on_desired(const Line& record);

  // Changes a recorded instance and its indexes; nothing if it is not there.
  template <typename Change>
  void change(const std::string& name, Change change);
  void know(const std::string& name, KnownWorker worker);
  void rename(const std::string& from, const std::string& to, const std::string& id);
  void keep(const std::string& worker, const std::string& app);
  using Instances = std::map<std::string, Placement>;
  void index(const std::string& name, const Placement& placement);
  void unindex(const std::string& name, const Placement& placement);
  Instances::iterator remove(Instances::iterator at);

  std::map<std::string, std::set<std::string>> by_worker_, singletons_;
  std::map<std::string, std::string> by_id_;     // workers
  std::map<std::string, std::int64_t> running_;  // by worker
  std::map<std::string, Ended> ended_;
};

// The records of a placement, of an end, and of the cuts: sums, so that a repeated one counts
// nothing twice.
Line print_worker(const std::string& name, const KnownWorker& worker);
Line print_rename(const std::string& from, const std::string& to, const KnownWorker& worker);
Line print_placement(const std::string& name, const Placement& placement);
Line print_desired(const std::string& instance, Desired desired);
Line print_cuts(const HistoryCuts& cuts);
Line print_asked(const std::string& number, const AskedCommand& command);
Line print_lease(const std::string& instance, std::int64_t lease_ms);
Line print_end(const std::string& instance, const RunEnd& end);
// The next run was refused: the last one that was asked for is this one again.
Line print_kept_run(const std::string& instance, Desired desired, std::int64_t run);

}  // namespace dm::master
