// master/decide/placement.h - which worker gets the next instance, and why one is not chosen. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "master/decide/facts.h"

namespace dm::master {

// True if the worker takes new work: up, not cordoned, fewer than 2 beats missed, enough disk.
bool is_available(const WorkerView& worker, Now now, std::int64_t heartbeat_ms);

// The worker for the next instance: the first in the order of PlacementRank that takes new work and
// is not one of `but`. Full workers are left out or, for what must go somewhere, taken only if all
// are. nullptr if none can be.
enum class IfAllAreFull { kNone, kLeastLoaded };
const WorkerView* choose_anywhere(const Facts& facts, std::int64_t heartbeat_ms,
                                  const std::set<std::string>& but, IfAllAreFull fallback, Now now);

// Why choose_anywhere() found nobody, for people: each worker with its reason.
std::string why_nobody(const Facts& facts, std::int64_t heartbeat_ms, Now now);

// Why `worker` is not chosen, for people; empty if it could be.
std::string refusal(const WorkerView& worker, Now now, std::int64_t heartbeat_ms);

}  // namespace dm::master
