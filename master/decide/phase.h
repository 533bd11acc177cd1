// master/decide/phase.h - how an instance is: the one answer that listings, decisions and waiting
// commands share. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "master/decide/facts.h"

namespace dm::master {

enum class Phase {
  kAlive,     // its worker is here and reports a living process
  kStarting,  // it is to run, and its start is not reported yet
  kStopping,  // it is not to run, and a launch of it is still on its way
  kBackoff,   // it rests until its policy starts the next run
  kDead,
  kUnknown,  // its worker is away, or has not reported since the master's start
};
std::string_view word(Phase phase);  // kAlive: "running"; a listing shows the kernel's word instead

// What the phase of one instance depends on, and nothing else.
struct InstanceFacts {
  const Placement& placement;
  const Live* live = nullptr;  // the last report of its worker; nullptr: none
  bool worker_here = false;    // neither lost nor left
  bool worker_heard = false;   // it has told all it knew at least once since the master's start
  bool launching = false;      // its files, or its LAUNCH, are on their way
};

struct PhaseAnswer {
  Phase phase = Phase::kDead;
  bool alive = false;     // a process of it lives, or is to come
  bool reported = false;  // a living process stands in `live`
  bool ended = false;     // the last end that is known is that of its last run
};
PhaseAnswer phase_of(const InstanceFacts& facts);

// REQUIRES that the instance is recorded, here and below.
InstanceFacts facts_of(const Facts& facts, const std::string& name);
PhaseAnswer phase_of(const Facts& facts, const std::string& name);

// A launch that was asked for and of which nobody has reported how it went. Its worker starts each
// run once, however often it is asked.
bool is_unbegun(const InstanceFacts& facts);
// It is to start: unbegun, or its worker gave it up and nobody was there to hear why.
bool will_begin(const InstanceFacts& facts);
// False only if nothing of it lives for certain: an end may have been followed by a run that its
// policy began, a launch that was given up may have succeeded.
bool may_live(const InstanceFacts& facts);
// Its worker still wants it to run: should a power failure take that worker's record of the end,
// its policy begins another run. A stop has to reach the worker.
bool may_be_revived(const InstanceFacts& facts);
bool is_unbegun(const Facts& facts, const std::string& name);
bool will_begin(const Facts& facts, const std::string& name);
bool may_live(const Facts& facts, const std::string& name);
bool may_be_revived(const Facts& facts, const std::string& name);
// It has ended, and only an operator's command will make it run again.
bool is_over(const Facts& facts, const std::string& name);

}  // namespace dm::master
