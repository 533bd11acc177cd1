// master/decide/facts.h - everything that a decision may look at: what is recorded, what workers
// report, what is on its way. Const throughout. Pure data.
#pragma once

#include "master/observed/lease_table.h"
#include "master/observed/reports.h"
#include "master/observed/roster.h"
#include "master/observed/underway.h"
#include "master/state/state.h"

namespace dm::master {

struct Facts {
  const State& state;
  const Roster& roster;
  const Reports& reports;
  const Underway& underway;
  const LeaseTable& leases;
};

}  // namespace dm::master
