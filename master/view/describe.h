// master/view/describe.h - `describe`: all that is known of an instance, an app or a worker, as
// text for people or as one JSON object. Pure.
#pragma once

#include <string>

#include "common/clock.h"
#include "common/manifest.h"
#include "master/view/instance_row.h"

namespace dm::master {

std::string describe_instance(const InstanceRow& row, Now now);
// `manifest`: of its current version; nullptr if it is unreadable. REQUIRES that the app is known.
std::string describe_app(const Facts& facts, const std::string& name, const Manifest* manifest,
                         Now now, bool json);
// REQUIRES that the worker is in the roster.
std::string describe_worker(const Facts& facts, const std::string& name, std::int64_t heartbeat_ms,
                            Now now, bool json);

}  // namespace dm::master
