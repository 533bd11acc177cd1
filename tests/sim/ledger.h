// tests/sim/ledger.h - what an observer who sees everything knows: which processes ran, what was
// promised to the operator, what the master has on its disk. Says at once when these do not agree.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "common/codec.h"
#include "tests/sim/timeline.h"
#include "worker/supervision/spawn_order.h"

namespace dm::sim {

using supervisor::RunKey;

class Ledger {
 public:
  explicit Ledger(Timeline& timeline) : timeline_(timeline) {}

  // Seen on the machines.
  void tried(const RunKey& key) { ++tried_[key]; }  // it is about to begin, or to fail
  void began(int worker, const RunKey& key);        // exec has succeeded
  void ended(int worker, const RunKey& key);        // the main process was reaped
  void tree_ended(int worker, const RunKey& key);   // nothing of it lives
  void host_died(int worker);
  void clock_went_back(int worker) { strange_clocks_.insert(worker); }

  // Seen on the master's disk: `decided` when it is on its way there, `durable` as it becomes so,
  // `recovered` when it is read again.
  void decided(const Line& record);
  void durable(const Line& record);
  void recovered(const Line& record);

  // An old journal was put back, of the moment of the last remember(): what was promised since is
  // forgiven, and what it does not know, the strays, is not judged until such a name is given anew.
  void remember();
  void put_back(const std::set<std::string>& known_instances);
  // A worker has deleted all of an app, and forgets it.
  void wiped(int worker, const std::string& app) { wiped_.emplace(worker, app); }
  bool is_stray(const std::string& instance) const { return strays_.contains(instance); }

  // Seen by the operator.
  void wants(const std::string& instance);        // a start was typed
  void was_stopped(const std::string& instance);  // OK of stop or kill
  void was_deleted(const std::string& app);       // OK of delete
  void wants_app(const std::string& app) { deleted_apps_.erase(app); }

  // On the master's word nothing of it is known any more, here and on its worker.
  bool is_forgotten(const std::string& instance) const { return forgotten_.contains(instance); }
  bool is_deleted(const std::string& app) const { return deleted_apps_.contains(app); }
  // Instances of which a process lives, with the worker.
  std::set<std::pair<std::string, int>> living() const;
  // Ends that the master has not been told of.
  const std::map<RunKey, int>& unreported() const { return unreported_; }
  std::int64_t runs() const { return runs_; }

 private:
  struct Fate {
    std::string restart = "no";
    std::int64_t begun = 0, starts = 1;  // processes seen; launches and starts asked for
    bool must_rest = false;              // OK of stop was seen, and no start since
    bool singleton = false;
    int worker = 0;
    bool host_died = false;
    // Its youngest runs, begun by policy, may have left no record: their numbers come again.
    bool is_fallible() const { return host_died && restart != "no"; }
  };

  void note_placement(const Line& record);
  void note_forgotten(const Line& record);
  void name_again(const std::string& instance);
  void forget_wiped();

  Timeline& timeline_;
  std::map<std::string, Fate> fates_;
  std::set<std::string> deleted_apps_;
  std::map<RunKey, int> begun_;     // how often
  std::map<RunKey, int> tried_;     // how often, in vain included
  std::map<RunKey, int> living_;    // the worker; until the tree is gone
  std::map<RunKey, int> reported_;  // ends on the master's disk
  std::map<RunKey, int> unreported_;
  std::int64_t runs_ = 0;
  std::set<int> strange_clocks_;  // workers

  // As they were when the journal was copied.
  struct Memory {
    std::map<std::string, Fate> fates;
    std::set<std::string> deleted_apps;
    std::map<RunKey, int> reported;
  };
  Memory memory_;
  std::set<std::pair<int, std::string>> wiped_;  // since then: worker, app
  std::set<std::string> wiped_instances_;        // likewise
  std::set<std::string> strays_, forgotten_;
};

std::string app_of(const std::string& instance);

}  // namespace dm::sim
