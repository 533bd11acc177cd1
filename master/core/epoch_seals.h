// master/core/epoch_seals.h - the keys under which this master seals its epoch for its workers, and
// knows such seals again. Never reads a secret: is given the keys at the start and at each change.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/codec.h"
#include "common/epoch_seal.h"
#include "master/core/cluster_options.h"
#include "master/core/recorder.h"

namespace dm::master {

class EpochSeals {
 public:
  EpochSeals(const ClusterOptions& options, const Recorder& recorder)
      : options_(options), recorder_(recorder) {}

  // Of each secret one; the first is used for new seals. None: there are no seals.
  void set_keys(std::vector<std::string> keys) { keys_ = std::move(keys); }
  bool has_keys() const { return !keys_.empty(); }

  // Adds record= and seal= to a line for a worker: how far this journal has come. Nothing without
  // keys.
  void add_to(Line& line) const {
    if (keys_.empty()) return;
    const EpochClaim now{options_.cluster_id, options_.epoch, recorder_.next_seq() - 1};
    line.add("record", now.record).add("seal", seal_epoch(keys_.front(), now));
  }
  // Has a master of this cluster issued what the worker's INFO claims?
  bool proves(const Line& info) const {
    const EpochClaim claim{options_.cluster_id, std::string(info.text("epoch")),
                           info.number_or("record", 0)};
    return is_sealed(keys_, claim, info.text("seal"));
  }

 private:
  const ClusterOptions& options_;
  const Recorder& recorder_;
  std::vector<std::string> keys_;
};

}  // namespace dm::master
