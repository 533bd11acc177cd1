// worker/core/cluster_binding.h - which cluster a worker belongs to, and which start of its master
// it obeyed last: so that neither a stranger's master nor one that was restored from an old copy of
// its journal is obeyed. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/codec.h"

namespace dm::worker {

// "NUMBER-ID": the count of the master's starts, and random digits of this one.
// 0 for a text that is no epoch.
std::int64_t epoch_number(std::string_view epoch);

// "EPOCH.NUMBER", the id of a master's order: its epoch. Empty for every other id.
std::string_view epoch_of_order(std::string_view id);

struct ClusterBinding {
  std::string cluster;    // empty: none yet
  std::string epoch;      // of the last order that was obeyed
  bool enrolled = false;  // it has the secret of our identity, which is not sent to it again
  // How far that master's journal had come when it said WELCOME, and its seal
  // (common/epoch_seal.h): told again, they prove that there was such a master. Empty without keys.
  std::int64_t record = 0;
  std::string seal = {};

  // From a WELCOME, or a record of the journal; and the record.
  static ClusterBinding read(const Line& line, std::string_view cluster_key);
  Line print() const;
  // Adds epoch=, record= and seal= to INFO; nothing if no order was obeyed.
  void claim(Line& info) const;

  // Why a master that says WELCOME with these is not obeyed; empty if it is. A master that names
  // no cluster (a netcat that plays one) is asked nothing by a worker that belongs to none, or that
  // `joins` whom it finds.
  std::string refusal(std::string_view its_cluster, std::string_view its_epoch, bool joins) const;
};

}  // namespace dm::worker
