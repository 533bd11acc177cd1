// master/decide/fence.h - what a worker's claim to have obeyed a later master is worth, and what
// goes on all the same. Pure.
#pragma once

#include <string>

#include "master/decide/facts.h"

namespace dm::master {

struct ClaimFacts {
  bool names_epoch = false;  // it has obeyed an epoch of this cluster
  bool is_known = false;     // the journal speaks of that epoch
  bool is_sealed = false;    // under a secret of this master
  bool has_keys = false;     // this master has secrets at all
};

enum class ClaimWeight {
  kNone,    // nothing is claimed that the journal lacks
  kNotice,  // whoever has that worker's key can say so: an event, and no more
  kFence,   // a master of this cluster has issued it: this journal is an old copy
};
// Without keys nothing can be proved, and whoever reaches the master may do anything: there a bare
// claim raises the fence as well.
ClaimWeight weigh_claim(const ClaimFacts& claim);

// May the lease of this singleton be renewed? Under a fence only while its process lives: a run
// that has ended may have a successor of which this journal does not know. REQUIRES that the
// instance is recorded.
bool is_renewed(const State& state, const Reports& reports, const std::string& name);

}  // namespace dm::master
