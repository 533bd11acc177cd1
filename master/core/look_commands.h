// master/core/look_commands.h - the commands that only look. Reading never writes: they hold const
// references, but for the output.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "master/core/failover.h"
#include "master/core/log_readers.h"
#include "master/core/peer_notices.h"
#include "master/view/instance_row.h"

namespace dm::master {

class LookCommands {
 public:
  LookCommands(const ClusterOptions& options, Requests& requests, LogReaders& logs,
               const Recorder& recorder, const Failover& failover, const PeerNotices& peers,
               const LogTails& tails, const Catalog& catalog, const Lookup& lookup,
               const Facts& facts, Effects& out)
      : options_(options),
        requests_(requests),
        logs_(logs),
        recorder_(recorder),
        failover_(failover),
        peers_(peers),
        tails_(tails),
        catalog_(catalog),
        lookup_(lookup),
        facts_(facts),
        state_(facts.state),
        out_(out) {}

  void workers(Request& request, Now now);
  void ps(Request& request, Now now);
  void usage(Request& request, Now now);
  void events(Request& request);
  void history(Request& request, Now now);
  void handle(const HistoryRead& read, Now now);
  void describe(Request& request, Now now);
  void failover(Request& request, Now now);
  void names(Request& request);
  void help(Request& request);
  void version(Request& request);

 private:
  std::deque<Placement> add_foreign(std::vector<InstanceRow>& rows,
                                    const Invocation& invocation) const;

  const ClusterOptions& options_;
  Requests& requests_;
  LogReaders& logs_;
  const Recorder& recorder_;
  const Failover& failover_;
  const PeerNotices& peers_;
  const LogTails& tails_;
  const Catalog& catalog_;
  const Lookup& lookup_;
  const Facts& facts_;
  const State& state_;
  Effects& out_;
};

}  // namespace dm::master
