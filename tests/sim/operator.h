// tests/sim/operator.h - somebody who types commands and remembers what was answered OK.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/ledger.h"
#include "tests/sim/master_node.h"
#include "tests/sim/timeline.h"

namespace dm::sim {

class Operator {
 public:
  // `workers`: how many machines there are; `has_app`: are files of that app on any of them?
  Operator(Timeline& timeline, Ledger& ledger, MasterNode& master, int workers,
           std::function<bool(const std::string&)> has_app);

  // Types one command, any.
  void act();
  // A master that was restarted still has everything that was answered OK.
  void check_kept() const;
  // The journal is copied; it is put back: what was answered OK in between is forgotten.
  void remember() { kept_then_ = kept_; }
  void put_back() { kept_ = kept_then_; }
  // Commands that are neither answered nor cut off.
  std::vector<std::string> unanswered() const;
  std::int64_t commands() const { return commands_; }

 private:
  struct Asked {
    std::string words, verb, app;
    std::vector<std::string> targets;   // instances that it names
    std::vector<std::string> launched;  // instances that the answer names
    std::int64_t began = 0;             // number of the command
    bool overlaps = false;              // something that contradicts it was under way
  };

  void ask(Asked asked, std::optional<master::PackageInfo> package);
  void copy();
  void launch();
  void end();
  void start();
  void remove();
  void out(master::RequestId request, const std::string& text);
  void finished(master::RequestId request, const std::optional<Error>& error);
  void fulfilled(const Asked& asked);
  bool wants_more(const std::string& verb) const;
  std::string some_app() { return "app" + std::to_string(timeline_.below(3)); }
  std::string some_instance();

  Timeline& timeline_;
  Ledger& ledger_;
  MasterNode& master_;
  int workers_;
  std::function<bool(const std::string&)> has_app_;
  std::map<master::RequestId, Asked> asked_;
  std::map<std::string, std::int64_t> last_wanted_;  // app: the last command that wants it to be
  std::set<std::string> kept_, kept_then_;           // instances that must exist
  std::string singleton_;  // an app of which at most one may live; empty: none
  std::int64_t commands_ = 0;
};

}  // namespace dm::sim
